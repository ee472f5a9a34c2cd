/** The list of interventions and everything that can happen to it. Pure; the store is elsewhere. */

import type { InterventionIn, Kind } from "@/api/types";
import { inShape, type Shape, sameValue, type ValueRef } from "@/lib/values";

export const KINDS: readonly Kind[] = ["on", "off", "set", "scale", "add"];
export type Positions = "all" | "last" | number[];

export interface Intervention extends ValueRef {
  kind: Kind;
  /** Used by set, scale and add; kept while another kind is chosen, so that it can be chosen back. */
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
    case "update":
      return list.map((item) =>
        sameValue(item, change.ref) ? { ...item, ...change.patch } : item,
      );
  }
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
