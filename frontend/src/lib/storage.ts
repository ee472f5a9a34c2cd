/** Storage that may be full, blocked or filled by somebody else: it never throws. */

/** `browser` is shared by all tabs and lasts; `tab` is one tab's own and survives its reloads. */
type Where = "browser" | "tab";

const area = (where: Where): Storage => (where === "tab" ? sessionStorage : localStorage);

export function readStored(key: string, where: Where = "browser"): unknown {
  try {
    const text = area(where).getItem(key);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

export function writeStored(key: string, value: unknown, where: Where = "browser"): void {
  try {
    if (value === null || value === undefined) area(where).removeItem(key);
    else area(where).setItem(key, JSON.stringify(value));
  } catch {
    // It lasts until the page is closed.
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
