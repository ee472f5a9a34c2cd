/** Who has the keyboard to itself: an open menu or dialog. Shortcuts of the page wait meanwhile. */

import { useLayoutEffect } from "react";

let holders = 0;

/** For the time that a component is on the page. */
export function useKeyboardHold(): void {
  useLayoutEffect(() => {
    holders += 1;
    return () => {
      holders -= 1;
    };
  }, []);
}

export const isKeyboardHeld = (): boolean => holders > 0;
