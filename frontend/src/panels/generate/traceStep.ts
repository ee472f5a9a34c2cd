/**
 * A generated token's prediction, traced: the text before it becomes the prompt.
 *
 * The trace reads that text anew, so it may come out otherwise than it was generated: the tokenizer
 * may cut the same text into other tokens, and some interventions depend on where the prompt ends.
 * `compareWithTrace` says so where it happens.
 */

import type { TraceReply } from "@/api/types";
import { formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import { replacePrompt } from "@/state/actions";
import {
  type GenerationRun,
  type Question,
  type StepRef,
  textBefore,
  useGeneration,
} from "@/state/generation";

/** Less than this is rounding: a key-value cache and a full pass add up in another order. */
const ROUNDING = 0.002;

export function traceStep(ref: StepRef): void {
  const { question, runs, setTraced } = useGeneration.getState();
  const run = runs[ref.side];
  if (!question || !run?.steps[ref.index]) return;
  setTraced(ref);
  replacePrompt(
    textBefore(question, run, ref.index),
    `The prompt is now the text before generated token ${ref.index}.`,
  );
}

export function continueAfter({ side, index }: StepRef): void {
  const { question, runs } = useGeneration.getState();
  const run = runs[side];
  if (!question || !run) return;
  replacePrompt(textBefore(question, run, index + 1), "The prompt now goes on to that token.");
}

/** What is not as it was while generating; null if nothing is, or the reply is to something else. */
export function compareWithTrace(
  { side, index }: StepRef,
  question: Question,
  run: GenerationRun,
  reply: TraceReply,
): string | null {
  const step = run.steps[index];
  if (!step || !run.prompt || reply.prompt !== textBefore(question, run, index)) return null;
  const generated = [...run.prompt, ...run.steps.slice(0, index).map(({ token }) => token)];
  const other = generated.findIndex((token, at) => token.id !== reply.tokens[at]?.id);
  if (other >= 0 || reply.tokens.length !== generated.length) {
    const from = other < 0 ? generated.length : other;
    return `As a prompt this text is cut into other tokens than were generated, from position ${from} on: the trace is not of the same run.`;
  }
  const traced = side === "edited" ? reply.edited : reply.unedited;
  const last = traced?.positions.find(({ position }) => position === generated.length - 1);
  const found = last?.layers.at(-1)?.after.top.find(({ id }) => id === step.token.id);
  if (!found || Math.abs(found.prob - step.prob) < ROUNDING) return null;
  return `${describeToken({ text: step.token.text, hex: step.token.hex })} has probability ${formatProb(found.prob)} here and had ${formatProb(step.prob)} while it was generated: boosts are sized, and positions counted, from the end of the prompt, which is another one now.`;
}
