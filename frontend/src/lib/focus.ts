/**
 * A dialog takes the focus itself: its first button, usually the one that closes it, would show its
 * tooltip, and the first Escape would close only that.
 */
export function focusDialog(event: Event): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
}
