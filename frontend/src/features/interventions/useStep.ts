/** Which changes of a value are one step of undo: a drag, one visit to a field, a run of key presses. */

import { useRef } from "react";
import type { ValueRef } from "@/lib/values";
import { useSession } from "@/state/session";

let steps = 0;

export function useStep(ref: ValueRef): { begin(): void; put(value: number): void } {
  const step = useRef(0);
  return {
    begin: () => {
      steps += 1;
      step.current = steps;
    },
    put: (value) =>
      useSession
        .getState()
        .change({ type: "update", ref, patch: { value } }, `value ${step.current}`),
  };
}
