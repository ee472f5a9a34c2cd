/** Tables as comma-separated values (RFC 4180). */

export type Cell = string | number | null;

/** What a spreadsheet would take for a formula: a token such as "=1+1" must not become one. */
const FORMULA = /^[=+\-@\t\r]/;

/** Text is always in quotes, so that spaces and line breaks of tokens stay what they are; before
 * what looks like a formula stands an apostrophe. Numbers stay numbers. */
const cell = (value: Cell): string =>
  value === null
    ? ""
    : typeof value === "number"
      ? String(value)
      : `"${FORMULA.test(value) ? "'" : ""}${value.replaceAll('"', '""')}"`;

export const toCsv = (head: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
