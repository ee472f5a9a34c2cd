/** Keyboard combinations, written `mod+shift+z`: `mod` is ⌘ on a Mac and Ctrl elsewhere. */

export const isMac = (): boolean => /mac|iphone|ipad/i.test(navigator.platform);

const SIGNS: Record<string, string> = {
  enter: "⏎",
  escape: "Esc",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
  backspace: "Backspace",
  home: "Home",
  end: "End",
};

export function formatKeys(keys: string): string {
  const mac = isMac();
  return keys
    .split("+")
    .map((part) => {
      if (part === "mod") return mac ? "⌘" : "Ctrl";
      if (part === "shift") return mac ? "⇧" : "Shift";
      if (part === "alt") return mac ? "⌥" : "Alt";
      return SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part);
    })
    .join(mac ? "" : " ");
}

/** Whether an event is that combination. Shift matters only where the combination names it or a letter. */
export function matchesKeys(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  if (event.key.toLowerCase() !== key || event.altKey) return false;
  const mod = isMac() ? event.metaKey : event.ctrlKey;
  const other = isMac() ? event.ctrlKey : event.metaKey;
  if (mod !== parts.includes("mod") || other) return false;
  const isLetter = /^[a-z]$/.test(key) || key.length > 1;
  return !isLetter || event.shiftKey === parts.includes("shift");
}

/** A key that types something belongs to the field it is typed into. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return (
    target instanceof HTMLInputElement &&
    !["checkbox", "radio", "button", "range"].includes(target.type)
  );
}
