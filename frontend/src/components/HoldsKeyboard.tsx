import { useKeyboardHold } from "@/state/keyboard";

/** Within a menu or dialog: as long as it is open, the page's own shortcuts are not in force. */
export function HoldsKeyboard() {
  useKeyboardHold();
  return null;
}
