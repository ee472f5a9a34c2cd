/** What changed between the unedited and the edited run. */

import type { State, StateComparison, SubUpdate, TokenChange } from "@/api/types";
import { valueKey } from "./values";

/** Smaller changes of a probability cannot be seen in its three decimals. */
export const VISIBLE = 0.0005;

/** A token in both runs, with its exact probabilities. */
export interface TokenMove extends TokenChange {
  delta: number;
  /** Whether both runs list it among their likeliest, or only the edited or the unedited one. */
  kind: "both" | "entered" | "left";
}

/** The likeliest tokens of either run: the edited run's in its order, then those that left them. */
export function movesOf(comparison: StateComparison, unedited: State, edited: State): TokenMove[] {
  const before = new Set(unedited.top.map((token) => token.id));
  const after = new Set(edited.top.map((token) => token.id));
  const moves = comparison.tokens.map(
    (token): TokenMove => ({
      ...token,
      delta: token.edited - token.unedited,
      kind: !after.has(token.id) ? "left" : before.has(token.id) ? "both" : "entered",
    }),
  );
  return [
    ...moves.filter((move) => move.kind !== "left"),
    ...moves.filter((move) => move.kind === "left"),
  ];
}

export interface SubUpdateChange {
  unedited: SubUpdate | null;
  edited: SubUpdate | null;
  kind: "both" | "entered" | "left";
}

/** Dominant sub-updates of either run: the edited run's order, then those that left. */
export function compareSubUpdates(
  unedited: readonly SubUpdate[],
  edited: readonly SubUpdate[],
): SubUpdateChange[] {
  const before = new Map(unedited.map((entry) => [valueKey(entry), entry]));
  const after = new Set(edited.map(valueKey));
  return [
    ...edited.map((entry): SubUpdateChange => {
      const old = before.get(valueKey(entry)) ?? null;
      return { unedited: old, edited: entry, kind: old ? "both" : "entered" };
    }),
    ...unedited
      .filter((entry) => !after.has(valueKey(entry)))
      .map((entry): SubUpdateChange => ({ unedited: entry, edited: null, kind: "left" })),
  ];
}
