/** Number formats: fixed widths, so that columns of tabular figures line up. */

const MINUS = "−";

/** A probability in four characters: `.214`, `<.001`, `1.00`. */
export function formatProb(p: number): string {
  if (p >= 0.9995) return "1.00";
  if (p > 0 && p < 0.0005) return "<.001";
  return p.toFixed(3).slice(1);
}

/** A change of probability, with its sign: `+.120`, `−.034`, `±.000`. */
export function formatProbChange(delta: number): string {
  const size = Math.abs(delta);
  if (size < 0.0005) return "±.000";
  const digits = size >= 0.9995 ? "1.00" : size.toFixed(3).slice(1);
  return (delta < 0 ? MINUS : "+") + digits;
}

/** About three significant figures, never in exponent form below a million. */
export function formatScore(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = size >= 1e6 ? size.toExponential(1) : size.toFixed(digits);
  return value < 0 ? MINUS + text : text;
}

/** The same with a sign that is always there. */
export function formatSigned(value: number): string {
  const text = formatScore(value);
  return value > 0 ? `+${text}` : text;
}

/** A relative error in two significant digits: `2.1e-6`, `0.034`. */
export function formatError(error: number): string {
  return error > 0 && error < 0.001 ? error.toExponential(1) : String(Number(error.toPrecision(2)));
}

/** An entropy or a divergence: two decimals, and never a zero that is none. */
export const formatNats = (value: number): string =>
  value > 0 && value < 0.005 ? "<.01" : value.toFixed(2);

/** A part of a whole: `31 %`, never a 0 or a 100 that is none. */
export function formatShare(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0 && share > 0) return "<1 %";
  return percent === 100 && share < 1 ? ">99 %" : `${percent} %`;
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en");

export const formatCount = (n: number): string => whole.format(n);
export const formatCompact = (n: number): string => compact.format(n);

/** Seconds as a person would say them: `8 s`, `3 min`, `1 h 20 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
