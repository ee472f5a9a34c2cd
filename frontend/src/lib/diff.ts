/** What changed between the unedited and the edited run. */

import type { State, SubUpdate, TokenProb } from "@/api/types";
import { valueKey } from "./values";

/** A probability is unknown (null) where the token is not among a run's shown ones. */
export interface TokenChange {
  token: TokenProb;
  unedited: number | null;
  edited: number | null;
  /** Exact where both sides are known; else the least change that the shown lists prove. */
  delta: number;
  kind: "both" | "entered" | "left";
}

const floor = (top: readonly TokenProb[]): number => top.at(-1)?.prob ?? 0;

/** All tokens of either list, those that changed most first. */
export function compareStates(unedited: State, edited: State): TokenChange[] {
  const before = new Map(unedited.top.map((entry) => [entry.id, entry]));
  const after = new Map(edited.top.map((entry) => [entry.id, entry]));
  const changes: TokenChange[] = [];
  for (const [id, token] of after) {
    const old = before.get(id);
    changes.push({
      token,
      unedited: old?.prob ?? null,
      edited: token.prob,
      delta: token.prob - (old?.prob ?? Math.min(token.prob, floor(unedited.top))),
      kind: old ? "both" : "entered",
    });
  }
  for (const [id, token] of before) {
    if (after.has(id)) continue;
    changes.push({
      token,
      unedited: token.prob,
      edited: null,
      delta: Math.min(token.prob, floor(edited.top)) - token.prob,
      kind: "left",
    });
  }
  return changes.sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta) || a.token.id - b.token.id);
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
