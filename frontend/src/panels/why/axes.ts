/** Where values stand in the chart: shares of its height, 0 at the foot, with ticks to read them by. */

export interface Tick {
  share: number;
  label: string;
}

export interface Axis {
  share(value: number): number;
  ticks: Tick[];
}

/** Nothing is told apart below: float32 probabilities of a large vocabulary end about here. */
const LEAST_PROB = 1e-12;
const MAX_DECADES = 6;

const clamp = (share: number): number => Math.min(Math.max(share, 0), 1);

const plain = (value: number): string =>
  String(Number(value.toPrecision(6)))
    .replace("-", "−")
    .replace(/^(−?)0\./, "$1.");

/** A round number between steps of that size; very small ones by their order of magnitude. */
const roundLabel = (value: number, step: number): string =>
  step >= 0.0005 || Math.abs(value) < step / 2
    ? plain(value)
    : Number(value.toPrecision(6)).toExponential().replaceAll("-", "−");

/** 1, 2 or 5 times a power of ten, so that about `count` steps cover the span. */
export function niceStep(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** From a round number below all values to one above; from `foot`, where that is given. */
export function linearAxis(values: readonly number[], foot: number | null = null): Axis {
  const lowest = foot ?? smallest(values);
  const highest = Math.max(largest(values), lowest);
  const step = niceStep(highest - lowest || Math.abs(highest) || 1, 4);
  const low = Math.floor(lowest / step + 1e-9) * step;
  const high = Math.max(Math.ceil(highest / step - 1e-9) * step, low + step);
  const share = (value: number) => clamp((value - low) / (high - low));
  const count = Math.round((high - low) / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => low + index * step);
  return {
    share,
    ticks: ticks.map((value) => ({ share: share(value), label: roundLabel(value, step) })),
  };
}

const smallest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.min(a, b), values[0] ?? 0);
const largest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.max(a, b), values[0] ?? 0);

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A power of ten as people write it: `.01`, `10⁻⁵`, `1`, `1 000`. */
function decade(exponent: number): string {
  if (exponent >= 0) return new Intl.NumberFormat("en").format(10 ** exponent);
  if (exponent >= -3) return plain(10 ** exponent);
  return `10⁻${[...String(-exponent)].map((digit) => SUPERSCRIPTS[Number(digit)]).join("")}`;
}

/** The decades from `low` to `high`, not more of them named than fit. */
function decades(low: number, high: number): number[] {
  const every = Math.ceil((high - low) / MAX_DECADES) || 1;
  const all = Array.from({ length: high - low + 1 }, (_, index) => high - index);
  return all.filter((exponent) => (high - exponent) % every === 0).reverse();
}

/** Probabilities by their order of magnitude, 1 on top; what is 0 stands at the foot. */
export function logAxis(values: readonly number[]): Axis {
  const positive = values.filter((value) => value > 0);
  const lowest = Math.max(positive.length > 0 ? smallest(positive) : 0.1, LEAST_PROB);
  const low = Math.min(Math.floor(Math.log10(lowest) + 1e-9), -1);
  return {
    share: (value) => (value > 0 ? clamp(1 - Math.log10(value) / low) : 0),
    ticks: decades(low, 0).map((each) => ({ share: 1 - each / low, label: decade(each) })),
  };
}

/** Ranks by their order of magnitude, 1 on top. */
export function rankAxis(values: readonly number[]): Axis {
  const high = Math.max(Math.ceil(Math.log10(Math.max(largest(values), 1)) - 1e-9), 1);
  return {
    share: (rank) => clamp(1 - Math.log10(Math.max(rank, 1)) / high),
    ticks: decades(0, high).map((each) => ({ share: 1 - each / high, label: decade(each) })),
  };
}
