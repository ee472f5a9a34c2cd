/** What the cells of the grid say: one run's top tokens, or where the two runs differ. */

import type { GridReply, GridRun, Token } from "@/api/types";
import { type Cell as CsvCell, toCsv } from "@/lib/csv";
import { formatNats, formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import type { Reading } from "@/state/session";

export const MEASURES = ["probability", "entropy"] as const;
export type Measure = (typeof MEASURES)[number];

/** One of the 2 L states: before or after a layer's FFN. */
export interface Row {
  state: number;
  layer: number;
  place: "before" | "after";
}

export const rowOf = (state: number): Row => ({
  state,
  layer: state >> 1,
  place: state % 2 === 0 ? "before" : "after",
});

/** Layers run downwards, first to last. */
export function rowsOf(states: number, withBefore: boolean): Row[] {
  const all = Array.from({ length: states }, (_, state) => rowOf(state));
  return withBefore ? all : all.filter((row) => row.place === "after");
}

/** What one run predicts in one state at one position. */
export interface Read {
  token: Token;
  prob: number;
  entropy: number;
}

export interface Cell {
  unedited: Read;
  edited: Read | null;
  /** KL(edited ‖ unedited) in nats; null without an edited run. */
  kl: number | null;
}

/** Looks cells up, each one the same object every time. An unknown token is shown by its id. */
export function cellsOf(reply: GridReply): (state: number, column: number) => Cell {
  const tokens = new Map(reply.vocabulary.map((token) => [token.id, token]));
  const width = reply.positions.length;
  const made = new Map<number, Cell>();
  const read = (run: GridRun, state: number, column: number): Read => {
    const id = run.tokens[state]?.[column] ?? -1;
    return {
      token: tokens.get(id) ?? { id, text: `[${id}]`, hex: null },
      prob: run.probs[state]?.[column] ?? 0,
      entropy: run.entropies[state]?.[column] ?? 0,
    };
  };
  return (state, column) => {
    const known = made.get(state * width + column);
    if (known) return known;
    const cell = {
      unedited: read(reply.unedited, state, column),
      edited: reply.edited && read(reply.edited, state, column),
      kl: reply.kl?.[state]?.[column] ?? null,
    };
    made.set(state * width + column, cell);
    return cell;
  };
}

/** How a cell is drawn. */
export interface Look {
  token: Token;
  /** The unedited run's top token, where the difference is another token. */
  was: Token | null;
  number: string;
  /** Strength of the fill, 0 to 1. */
  share: number;
}

/** What a full fill means: everything, complete uncertainty, the largest difference of all. */
export function fullOf(
  reply: GridReply,
  reading: Reading,
  measure: Measure,
  vocabulary: number,
): number {
  if (reading === "difference") return Math.max(0, ...(reply.kl ?? []).map((row) => max(row)));
  return measure === "probability" ? 1 : Math.log(vocabulary);
}

const max = (row: readonly number[]): number => row.reduce((a, b) => Math.max(a, b), 0);

export function lookOf(cell: Cell, reading: Reading, measure: Measure, full: number): Look {
  const { unedited, edited, kl } = cell;
  if (reading === "difference" && edited) {
    const same = unedited.token.id === edited.token.id;
    return {
      token: edited.token,
      was: same ? null : unedited.token,
      number: formatNats(kl ?? 0),
      share: full > 0 ? (kl ?? 0) / full : 0,
    };
  }
  const { token, prob, entropy } = reading === "edited" && edited ? edited : unedited;
  return measure === "probability"
    ? { token, was: null, number: formatProb(prob), share: prob }
    : { token, was: null, number: formatNats(entropy), share: full > 0 ? entropy / full : 0 };
}

const spoken = ({ token: { text, hex }, prob, entropy }: Read): string =>
  `${describeToken({ text, hex })} ${formatProb(prob)}, entropy ${formatNats(entropy)}`;

/** A cell in words, whatever it shows. */
export function describeCell({ unedited, edited, kl }: Cell, reading: Reading): string {
  if (!edited || reading === "unedited") return spoken(unedited);
  if (reading === "edited") return spoken(edited);
  return `unedited ${spoken(unedited)}; edited ${spoken(edited)}; KL ${formatNats(kl ?? 0)}`;
}

const HEAD = ["layer", "state", "position", "prompt_token", "run"];
const NUMBERS = ["token_id", "token", "probability", "entropy", "kl"];

/** Every cell of the grid and of both runs, whatever is on screen. */
export function gridCsv(reply: GridReply): string {
  const cell = cellsOf(reply);
  const lines: CsvCell[][] = [];
  for (let state = 0; state < reply.unedited.tokens.length; state += 1) {
    const { layer, place } = rowOf(state);
    reply.positions.forEach((position, column) => {
      const { unedited, edited, kl } = cell(state, column);
      const where = [layer, place, position, reply.tokens[position]?.text ?? ""];
      const line = (run: string, { token, prob, entropy }: Read, diverges: number | null) =>
        lines.push([...where, run, token.id, token.text, prob, entropy, diverges]);
      line("unedited", unedited, null);
      if (edited) line("edited", edited, kl);
    });
  }
  return toCsv([...HEAD, ...NUMBERS], lines);
}

/** Which positions are asked for: all of them, or the last ones that the server allows. */
export function columnsFor(tokens: number, limit: number): "all" | number[] {
  if (tokens <= limit) return "all";
  return Array.from({ length: limit }, (_, index) => tokens - limit + index);
}
