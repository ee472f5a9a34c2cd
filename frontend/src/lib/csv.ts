/** Tables as comma-separated values (RFC 4180). */

export type Cell = string | number | null;

/** Text is always in quotes, so that spaces and line breaks of tokens stay what they are. */
const cell = (value: Cell): string =>
  value === null
    ? ""
    : typeof value === "number"
      ? String(value)
      : `"${value.replaceAll('"', '""')}"`;

export const toCsv = (head: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
