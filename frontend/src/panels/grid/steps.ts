/** Where the keys lead in the grid. */

import type { Row } from "./cells";

export interface Spot {
  state: number;
  column: number;
}

const PAGE = 8;

interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** Row and column steps of a key; infinite: to the edge. */
function stepOf({ key, ctrlKey, metaKey }: Press): readonly [number, number] | null {
  const far = ctrlKey || metaKey;
  switch (key) {
    case "ArrowUp":
      return [far ? Number.NEGATIVE_INFINITY : -1, 0];
    case "ArrowDown":
      return [far ? Number.POSITIVE_INFINITY : 1, 0];
    case "ArrowLeft":
      return [0, far ? Number.NEGATIVE_INFINITY : -1];
    case "ArrowRight":
      return [0, far ? Number.POSITIVE_INFINITY : 1];
    case "PageUp":
      return [-PAGE, 0];
    case "PageDown":
      return [PAGE, 0];
    case "Home":
      return [far ? Number.NEGATIVE_INFINITY : 0, Number.NEGATIVE_INFINITY];
    case "End":
      return [far ? Number.POSITIVE_INFINITY : 0, Number.POSITIVE_INFINITY];
    default:
      return null;
  }
}

const clamp = (value: number, last: number): number => Math.min(Math.max(value, 0), last);

/** The cell that a key leads to; null: the key is none of the grid's. */
export function stepSpot(
  press: Press,
  { state, column }: Spot,
  rows: readonly Row[],
  columns: number,
): Spot | null {
  const step = press.altKey ? null : stepOf(press);
  if (!step) return null;
  const at = rows.findIndex((row) => row.state === state);
  const row = rows[clamp(at + step[0], rows.length - 1)];
  return { state: row?.state ?? state, column: clamp(column + step[1], columns - 1) };
}

/** The cell that Tab reaches: the last one walked to, if it is still there. */
export function settle(
  wanted: Spot | null,
  rows: readonly Row[],
  columns: number,
  traced: number,
): Spot {
  const row = rows.find((each) => each.state >= (wanted?.state ?? 0)) ?? rows.at(-1);
  return { state: row?.state ?? 0, column: clamp(wanted?.column ?? traced, columns - 1) };
}
