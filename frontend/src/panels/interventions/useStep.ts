/** Which changes of a value are one step of undo: a drag, one visit to a field, a run of key presses. */

import { useRef } from "react";

let steps = 0;

/** Takes a value; those that come with the same `stream` are one step. */
export type Put = (value: number, stream: string) => void;

export function useStep(put: Put): { begin(): void; put(value: number): void } {
  const step = useRef(0);
  return {
    begin: () => {
      steps += 1;
      step.current = steps;
    },
    put: (value) => put(value, `value ${step.current}`),
  };
}
