/** What is changed in the model: interventions, and the groups they may be in. */

import type { Kind } from "@/api/types";
import type { Shape, ValueRef } from "@/lib/values";

export const KINDS: readonly Kind[] = ["on", "off", "set", "scale", "add"];
/** As many are read from links and files, as each is a card to be drawn. What may be in force at a
 * time is the server's to say. */
export const MAX_CARDS = 1_000;
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
  /** Id of the group it is in. */
  group: number | null;
}

/** Interventions that are switched and scaled together. */
export interface Group {
  id: number;
  name: string;
  /** Off: none of its cards takes part; each keeps its own switch. */
  enabled: boolean;
  /** 1: as the cards say; 0: nothing is changed. */
  strength: number;
  /** Only its head is shown. */
  folded: boolean;
}

export interface Edits {
  /** In the order in which they are shown within their group. */
  interventions: readonly Intervention[];
  groups: readonly Group[];
}

export const NO_EDITS: Edits = { interventions: [], groups: [] };

/** Suppressing is what the reference does first. */
export const newIntervention = (ref: ValueRef): Intervention => ({
  layer: ref.layer,
  dim: ref.dim,
  kind: "off",
  value: 1,
  positions: "all",
  generated: null,
  enabled: true,
  group: null,
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

export const groupOf = ({ groups }: Edits, id: number | null): Group | null =>
  groups.find((group) => group.id === id) ?? null;

/** The cards of a group, or (null) those in none. */
export const cardsOf = ({ interventions }: Edits, group: number | null): Intervention[] =>
  interventions.filter((item) => item.group === group);

export interface EditedModel extends Shape {
  /** act(0); null: not known. */
  activation_at_zero?: number | null;
}

/**
 * What does not follow a group's strength: `on`; and `off`, which writes act(0) (rule 9), where that
 * is not 0: then it is no scaling by 0.
 */
export const isScalable = (kind: Kind, atZero: number | null | undefined): boolean =>
  kind === "off" ? atZero === 0 : kind !== "on";

/** JSON has no infinity; the server says in words that the largest number is too large. */
const finite = (value: number): number =>
  Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE) + 0;

/**
 * An intervention at strength f, halfway between no change (0) and itself (1) or beyond: set and add
 * by f·c, scale by 1 + f(α − 1), off as scale by 1 − f. `value` is null where the kind takes none.
 */
export function atStrength(
  { kind, value }: Pick<Intervention, "kind" | "value">,
  strength: number,
  atZero: number | null | undefined,
): { kind: Kind; value: number | null } {
  if (!takesValue(kind)) {
    if (strength === 1 || !isScalable(kind, atZero)) return { kind, value: null };
    return { kind: "scale", value: finite(1 - strength) };
  }
  if (strength === 1) return { kind, value };
  return {
    kind,
    value: finite(kind === "scale" ? 1 + strength * (value - 1) : strength * value),
  };
}
