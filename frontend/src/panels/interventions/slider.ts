/** Where the slider of a `scale`, `set` or `add` intervention runs, and how typed numbers are read. */

import type { Kind } from "@/api/types";
import { neutralValue } from "@/state/interventions";

export interface Range {
  min: number;
  max: number;
  step: number;
  /** What the pointer is drawn to, and what is marked: no change, and no coefficient at all. */
  marks: readonly [number, number];
}

const SCALE: Range = { min: -3, max: 3, step: 0.05, marks: [1, 0] };
/** The strength of a group: 1 as its cards say, 0 nothing, below 0 the other way round. */
export const STRENGTH: Range = { min: -1, max: 3, step: 0.05, marks: [1, 0] };
/** How far from the unedited coefficient a slider reaches, in multiples of it. */
const REACH = 3;
const STEPS = 50;
/** A value this many times further away is typed, not slid to: the steps would be useless. */
const FAR = 1000;
/** Steps to either side of a mark from which the pointer is drawn to it. */
const PULL = 1.5;

/** The next of 1, 2, 5, 10, 20 ... */
function roundUp(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return [1, 2, 5].map((lead) => lead * power).find((each) => each >= size * 0.999) ?? 10 * power;
}

/** Without the digits that adding steps in binary leaves behind. */
const tidy = (value: number): number => Number(value.toPrecision(12));

/**
 * `scale`: −3 to 3. `set` and `add`: as far below the unedited coefficient as above it, so that the
 * same place of either slider gives the same coefficient. They reach as far as the value that has
 * been `furthest` from no change, so that it can be approached from there.
 */
export function rangeOf(kind: Kind, unedited: number | null, furthest = 0): Range {
  if (kind === "scale") return SCALE;
  const usual = roundUp(REACH * Math.max(Math.abs(unedited ?? 0), 0.1));
  const reach = furthest > usual && furthest <= FAR * usual ? roundUp(furthest) : usual;
  const step = tidy(reach / STEPS);
  const start = neutralValue(kind, unedited);
  const middle = tidy(Math.round(start / step) * step);
  const silent = kind === "set" ? 0 : -(unedited ?? 0);
  return {
    min: tidy(middle - reach),
    max: tidy(middle + reach),
    step,
    marks: [start, tidy(Number(silent.toPrecision(4)))],
  };
}

/** The mark that is close enough, else the value. */
export function drawToMark(value: number, { marks, step }: Range): number {
  return marks.find((mark) => Math.abs(value - mark) <= PULL * step * 1.001) ?? value;
}

/** Where on the slider a value is: 0 its beginning, 1 its end. */
export const placeOf = (value: number, { min, max }: Range): number =>
  Math.min(Math.max((value - min) / (max - min), 0), 1);

/** A finite number as people type it: `1.5`, `-2e3`, `−0,5`; null if it is something else. */
export function readNumber(text: string): number | null {
  const plain = text.trim().replace(/^[−–]/, "-").replace(",", ".");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

/** Nothing but the beginning of a number: `-`, `.`, `1e`. */
export const isUnfinished = (text: string): boolean =>
  /^[+−–-]?\d*[.,]?\d*(e[+-]?)?$/i.test(text.trim()) && text.trim() !== "";
