/** From states and shares to points of the drawing, in pixels. */

import type { Axis } from "./axes";

const LEFT = 46;
/** For letters alone, and for letters with their tokens. */
const RIGHT = 22;
const RIGHT_NAMED = 112;
const ENOUGH_FOR_NAMES = 560;
const TOP = 10;
const BOTTOM = 44;
/** Between two marks of a line, and between two layers' numbers. */
const MARK_GAP = 26;
const TICK_GAP = 22;

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  states: number;
  /** Whether tokens stand beside the lines' ends. */
  named: boolean;
  x(state: number): number;
  y(share: number): number;
}

const round = (value: number): number => Math.round(value * 10) / 10;

export function frameOf(width: number, states: number): Frame {
  const height = width < 420 ? 210 : 260;
  const left = LEFT;
  const named = width >= ENOUGH_FOR_NAMES;
  const right = Math.max(width - (named ? RIGHT_NAMED : RIGHT), left + 1);
  const top = TOP;
  const bottom = height - BOTTOM;
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    states,
    named,
    x: (state) => round(left + ((state + 0.5) / states) * (right - left)),
    y: (share) => round(bottom - share * (bottom - top)),
  };
}

/** The state nearest to a point. */
export function stateAt({ left, right, states }: Frame, x: number): number {
  const state = Math.floor(((x - left) / (right - left)) * states);
  return Math.min(Math.max(state, 0), states - 1);
}

export const pathOf = (frame: Frame, axis: Axis, values: readonly number[]): string =>
  values
    .map((value, state) => `${state ? "L" : "M"}${frame.x(state)} ${frame.y(axis.share(value))}`)
    .join("");

const stepFor = (gap: number, room: number): number => Math.max(1, Math.ceil(gap / room));

/** States at which a line carries its mark; the last one always does. */
export function markSteps({ left, right, states }: Frame): number[] {
  const step = stepFor(MARK_GAP, (right - left) / states);
  const all = Array.from({ length: states }, (_, index) => states - 1 - index);
  return all.filter((_, index) => index % step === 0).reverse();
}

/** Layers whose number fits under the axis. */
export function layerTicks({ left, right }: Frame, layers: number): number[] {
  const least = stepFor(TICK_GAP, (right - left) / layers);
  const step = [1, 2, 5, 10, 20, 50].find((each) => each >= least) ?? least;
  return Array.from({ length: Math.ceil(layers / step) }, (_, index) => index * step);
}
