/** Tokens followed through the 2 L states of the residual: before and after each layer's FFN. */

import type { Followed, FollowReply, Token } from "@/api/types";
import { type Cell, toCsv } from "@/lib/csv";
import { formatCount, formatProb, formatScore } from "@/lib/numbers";
import { describeToken, segments } from "@/lib/tokens";
import { letterOf } from "@/state/followed";
import { type Axis, linearAxis, logAxis, rankAxis } from "./axes";

export const MEASURES = ["probability", "logit", "rank"] as const;
export type Measure = (typeof MEASURES)[number];
export type Scale = "linear" | "log";

export interface Line {
  token: Token;
  letter: string;
  /** Place among the followed tokens: decides colour and mark. */
  index: number;
  unedited: number[];
  edited: number[] | null;
}

const READ: Record<Measure, (followed: Followed) => number[]> = {
  probability: (followed) => followed.probs,
  logit: (followed) => followed.logits,
  rank: (followed) => followed.ranks,
};

/** One line per token, in the order of `ids`; a token that the reply lacks has none yet. */
export function linesOf(reply: FollowReply, ids: readonly number[], measure: Measure): Line[] {
  const read = READ[measure];
  return ids.flatMap((id, index) => {
    const unedited = reply.unedited.find((each) => each.token.id === id);
    const edited = reply.edited?.find((each) => each.token.id === id);
    if (!unedited) return [];
    return {
      token: unedited.token,
      letter: letterOf(index),
      index,
      unedited: read(unedited),
      edited: edited ? read(edited) : null,
    };
  });
}

export function axisOf(lines: readonly Line[], measure: Measure, scale: Scale): Axis {
  const values = lines.flatMap((line) => [...line.unedited, ...(line.edited ?? [])]);
  if (measure === "rank") return rankAxis(values);
  if (measure === "logit") return linearAxis(values);
  return scale === "log" ? logAxis(values) : linearAxis(values, 0);
}

/** As short as a reader needs; very small probabilities by their order of magnitude. */
export function formatValue(value: number, measure: Measure): string {
  if (measure === "rank") return formatCount(value);
  if (measure === "logit") return formatScore(value);
  return value > 0 && value < 0.0005 ? value.toExponential(1).replace("-", "−") : formatProb(value);
}

export const describeState = (state: number): string =>
  `${state % 2 === 0 ? "before" : "after"} layer ${state >> 1}`;

/** All values in one state, in words. */
export function describeValues(lines: readonly Line[], state: number, measure: Measure): string {
  const values = lines.map(({ letter, token: { text, hex }, unedited, edited }) => {
    const of = (run: number[]) => formatValue(run[state] ?? 0, measure);
    const both = edited ? `${of(edited)}, unedited ${of(unedited)}` : of(unedited);
    return `${letter} ${describeToken({ text, hex })} ${both}`;
  });
  return `${describeState(state)}, ${measure}: ${values.join("; ")}`;
}

const HEAD = ["layer", "state", "run", "token_id", "token", "probability", "logit", "rank"];

/** Every number behind the lines, whichever of them are drawn. */
export function linesCsv(reply: FollowReply): string {
  const runs = [
    ["unedited", reply.unedited],
    ["edited", reply.edited ?? []],
  ] as const;
  const rows = runs.flatMap(([run, followed]) =>
    followed.flatMap(({ token, probs, logits, ranks }) =>
      probs.map((prob, state): Cell[] => [
        state >> 1,
        state % 2 === 0 ? "before" : "after",
        run,
        token.id,
        token.text,
        prob,
        logits[state] ?? null,
        ranks[state] ?? null,
      ]),
    ),
  );
  return toCsv(HEAD, rows);
}

const LONGEST_NAME = 12;

/** A token beside its line: invisible characters as their marks, the end of long ones left out. */
export function shortText(token: Token): string {
  const shown = segments(token).map((part) => part.mark ?? part.text);
  const chars = [...shown.join("")];
  return chars.length > LONGEST_NAME
    ? `${chars.slice(0, LONGEST_NAME - 1).join("")}…`
    : chars.join("");
}

/** Keeps labels at the lines' ends apart: at least `gap` from one another, between `low` and `high`. */
export function spread(wanted: readonly number[], gap: number, low: number, high: number) {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  let edge = low;
  for (const label of order) {
    label.y = Math.max(label.y, edge);
    edge = label.y + gap;
  }
  edge = high;
  for (const label of order.reverse()) {
    label.y = Math.min(label.y, edge);
    edge = label.y - gap;
  }
  const out: number[] = [];
  for (const { y, index } of order) out[index] = y;
  return out;
}
