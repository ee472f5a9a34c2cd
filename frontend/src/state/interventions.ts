/** The list of interventions and everything that can happen to it. Pure; the store is elsewhere. */

import type { InterventionIn, Kind } from "@/api/types";
import { inShape, type Shape, sameValue, type ValueRef } from "@/lib/values";

export const KINDS: readonly Kind[] = ["on", "off", "set", "scale", "add"];
export type Positions = "all" | "last" | number[];

export interface Intervention extends ValueRef {
  kind: Kind;
  /** Used by set, scale and add. */
  value: number;
  positions: Positions;
  /** Whether generated tokens are edited too; null: only if `positions` is "all". */
  generated: boolean | null;
  /** A switched-off card stays in the strip and takes no part. */
  enabled: boolean;
}

/** Suppressing is what the reference does first. */
export const newIntervention = (ref: ValueRef): Intervention => ({
  layer: ref.layer,
  dim: ref.dim,
  kind: "off",
  value: 1,
  positions: "all",
  generated: null,
  enabled: true,
});

export const takesValue = (kind: Kind): boolean =>
  kind === "set" || kind === "scale" || kind === "add";

/** The value with which a kind changes as little as it can; `unedited`: the vector's coefficient. */
export function neutralValue(kind: Kind, unedited: number | null): number {
  if (kind === "set") return Number((unedited ?? 0).toPrecision(4));
  return kind === "add" ? 0 : 1;
}

/** What the server does where `generated` is null. */
export const editsGenerated = ({ positions, generated }: Intervention): boolean =>
  generated ?? positions === "all";

/** Keeps the default as such, so that it follows the positions. */
export const chooseGenerated = (positions: Positions, wanted: boolean): boolean | null =>
  wanted === (positions === "all") ? null : wanted;

/** Put a position of the prompt in or out. No positions at all would be no intervention: then all. */
export function togglePosition(positions: Positions, index: number): Positions {
  const chosen = Array.isArray(positions) ? positions : [];
  const next = chosen.includes(index)
    ? chosen.filter((other) => other !== index)
    : [...chosen, index].sort((a, b) => a - b);
  return next.length > 0 ? next : "all";
}

export type Change =
  | { type: "add"; ref: ValueRef }
  | { type: "remove"; ref: ValueRef }
  | { type: "update"; ref: ValueRef; patch: Partial<Omit<Intervention, "layer" | "dim">> }
  | { type: "replace"; list: readonly Intervention[] };

/** A vector is in the list at most once; adding it again switches its card back on. */
export function reduce(list: readonly Intervention[], change: Change): readonly Intervention[] {
  switch (change.type) {
    case "replace":
      return dedupe(change.list);
    case "add": {
      const known = list.find((item) => sameValue(item, change.ref));
      if (!known) return [...list, newIntervention(change.ref)];
      return known.enabled
        ? list
        : reduce(list, { type: "update", ref: change.ref, patch: { enabled: true } });
    }
    case "remove":
      return list.some((item) => sameValue(item, change.ref))
        ? list.filter((item) => !sameValue(item, change.ref))
        : list;
    case "update": {
      const next = list.map((item) => (sameValue(item, change.ref) ? patch(item, change) : item));
      return next.every((item, index) => item === list[index]) ? list : next;
    }
  }
}

function patch(item: Intervention, change: Extract<Change, { type: "update" }>): Intervention {
  const next = { ...item, ...change.patch };
  return JSON.stringify(next) === JSON.stringify(item) ? item : next;
}

/** Rule 11: of the same vector twice, the last one wins; it keeps the first one's place. */
function dedupe(list: readonly Intervention[]): Intervention[] {
  const byKey = new Map<string, Intervention>();
  for (const item of list) byKey.set(`${item.layer}.${item.dim}`, item);
  return [...byKey.values()];
}

/** Those that take part in a run of a model of this shape, as the server wants them. */
export function forWire(list: readonly Intervention[], shape: Shape): InterventionIn[] {
  return list
    .filter((item) => item.enabled && inShape(item, shape))
    .map(({ layer, dim, kind, value, positions, generated }) => ({
      layer,
      dim,
      kind,
      value: takesValue(kind) ? value : null,
      positions,
      generated,
    }));
}
