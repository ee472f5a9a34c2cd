/** Questions of one panel about the prompt that is traced, beside the trace itself. */

import { useState } from "react";
import { type LatestView, useLatest } from "./latest";
import { type AboutPrompt, useTrace } from "./trace";

/** `value` as it was when `ready` was last true. */
function useHeld<T>(value: T, ready: boolean): T {
  const [held, hold] = useState(value);
  if (ready && held !== value) hold(value);
  return ready ? value : held;
}

/**
 * The reply to a panel's question. A new prompt is traced first: what fails there, fails once and is
 * said once.
 */
export function usePanelQuery<Q extends AboutPrompt, R extends { model: string }>(
  name: string,
  question: Q | null,
  send: (question: Q, signal: AbortSignal) => Promise<R>,
): LatestView<R> {
  const trace = useTrace();
  const behind = question !== null && trace.reply?.prompt !== question.prompt;
  const view = useLatest(name, useHeld(question, !behind), send);
  const known = view.error !== null && view.error.code === trace.error?.code;
  return {
    ...view,
    outdated: view.outdated || (behind && view.reply !== null),
    pending: view.pending || (behind && trace.pending),
    error: known ? null : view.error,
  };
}
