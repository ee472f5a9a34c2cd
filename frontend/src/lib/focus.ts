/** Where the focus goes when a dialog opens and closes. */

import { useRef } from "react";

/**
 * A dialog takes the focus itself: its first button, usually the one that closes it, would show its
 * tooltip, and the first Escape would close only that.
 */
export function focusDialog(event: Event): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
}

/**
 * A dialog that something else than its own trigger opens (a key, a command) gives the focus back to
 * where it was; Radix would lose it. `then` runs after that.
 */
export function useReturnedFocus(then?: () => void) {
  const before = useRef<Element | null>(null);
  return {
    /** For `onOpenAutoFocus`, before anything takes the focus. */
    remember: () => {
      before.current = document.activeElement;
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      if (before.current instanceof HTMLElement) before.current.focus({ preventScroll: true });
      then?.();
    },
  };
}
