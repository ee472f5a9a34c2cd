/** Everything that can happen to interventions and groups. Pure; the store is `session.ts`. */

import { sameValue, type ValueRef, valueKey } from "@/lib/values";
import {
  cardsOf,
  type Edits,
  type Group,
  groupOf,
  type Intervention,
  newIntervention,
} from "./interventions";

export const MAX_GROUPS = 32;

export type Change =
  | { type: "add"; ref: ValueRef }
  | { type: "remove"; ref: ValueRef }
  | { type: "update"; ref: ValueRef; patch: Partial<Omit<Intervention, "layer" | "dim" | "group">> }
  | { type: "replace"; list: readonly Intervention[]; groups?: readonly Group[] }
  /** To a place among the cards of a group, or (null) among those in none; beyond the end: last. */
  | { type: "move"; ref: ValueRef; group: number | null; index: number }
  /** These cards, and no others, in a new group at the end; whichever are there already move. */
  | { type: "insertGroup"; group: Omit<Group, "id">; cards: readonly Intervention[] }
  | { type: "updateGroup"; id: number; patch: Partial<Omit<Group, "id">> }
  | { type: "moveGroup"; id: number; index: number }
  /** The group goes, its cards stay; or they go with it. */
  | { type: "removeGroup"; id: number; cards: "stay" | "go" };

const same = <T>(a: T, b: T): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A vector is in the list at most once. A change that changes nothing gives back the same object. */
export function reduce(edits: Edits, change: Change): Edits {
  switch (change.type) {
    case "replace":
      return tidy({ interventions: change.list, groups: change.groups ?? [] });
    case "insertGroup":
      return insertGroup(edits, change.group, change.cards);
    case "updateGroup":
    case "moveGroup":
    case "removeGroup":
      return changeGroup(edits, change);
    default: {
      const interventions = changeCards(edits, change);
      return interventions === edits.interventions ? edits : { ...edits, interventions };
    }
  }
}

function changeCards(
  edits: Edits,
  change: Extract<Change, { type: "add" | "remove" | "update" | "move" }>,
): readonly Intervention[] {
  const list = edits.interventions;
  const { ref } = change;
  const known = list.find((item) => sameValue(item, ref));
  if (change.type === "add") {
    if (!known) return [...list, newIntervention(ref)];
    // Adding again switches the card back on.
    return known.enabled ? list : swap(list, { ...known, enabled: true });
  }
  if (!known) return list;
  if (change.type === "remove") return list.filter((item) => item !== known);
  if (change.type === "move") return move(edits, known, change.group, change.index);
  const next = { ...known, ...change.patch };
  return same(next, known) ? list : swap(list, next);
}

const swap = (list: readonly Intervention[], next: Intervention): Intervention[] =>
  list.map((item) => (sameValue(item, next) ? next : item));

function move(
  edits: Edits,
  item: Intervention,
  group: number | null,
  index: number,
): readonly Intervention[] {
  if (group !== null && !groupOf(edits, group)) return edits.interventions;
  const others = edits.interventions.filter((other) => other !== item);
  const neighbours = others.filter((other) => other.group === group);
  const before = neighbours[Math.max(index, 0)];
  const after = neighbours.at(-1);
  const at = before ? others.indexOf(before) : after ? others.indexOf(after) + 1 : others.length;
  const next = others.toSpliced(at, 0, { ...item, group });
  return same(next, edits.interventions) ? edits.interventions : next;
}

function insertGroup(edits: Edits, group: Omit<Group, "id">, cards: readonly Intervention[]) {
  if (edits.groups.length >= MAX_GROUPS) return edits;
  let id = 1;
  while (groupOf(edits, id)) id += 1;
  const others = edits.interventions.filter((item) => !cards.some((card) => sameValue(card, item)));
  return tidy({
    interventions: [...others, ...cards.map((card) => ({ ...card, group: id }))],
    groups: [...edits.groups, { id, ...group }],
  });
}

function changeGroup(
  edits: Edits,
  change: Extract<Change, { type: "updateGroup" | "moveGroup" | "removeGroup" }>,
): Edits {
  const known = groupOf(edits, change.id);
  if (!known) return edits;
  const others = edits.groups.filter((group) => group !== known);
  if (change.type === "removeGroup") {
    const { id, cards } = change;
    const interventions = edits.interventions.flatMap((item) =>
      item.group !== id ? [item] : cards === "stay" ? [{ ...item, group: null }] : [],
    );
    return { interventions, groups: others };
  }
  const groups =
    change.type === "moveGroup"
      ? others.toSpliced(Math.max(change.index, 0), 0, known)
      : edits.groups.map((group) => (group === known ? { ...group, ...change.patch } : group));
  return same(groups, edits.groups) ? edits : { ...edits, groups };
}

/** Rule 11: of the same vector twice, the last one wins; it keeps the first one's place. */
function tidy({ interventions, groups }: Edits): Edits {
  const byKey = new Map<string, Intervention>();
  for (const item of interventions) {
    const group = groups.some(({ id }) => id === item.group) ? item.group : null;
    byKey.set(valueKey(item), group === item.group ? item : { ...item, group });
  }
  return { interventions: [...byKey.values()], groups };
}

/** One place earlier (−1) or later (1); over the edge of its group, into the one beside it. */
export function stepCard(edits: Edits, ref: ValueRef, by: 1 | -1): Change | null {
  const item = edits.interventions.find((other) => sameValue(other, ref));
  if (!item) return null;
  const cards = cardsOf(edits, item.group);
  const index = cards.indexOf(item) + by;
  if (index >= 0 && index < cards.length) return { type: "move", ref, group: item.group, index };
  const places = [null, ...edits.groups.map(({ id }) => id)];
  const group = places[places.indexOf(item.group) + by];
  if (group === undefined) return null;
  return { type: "move", ref, group, index: by > 0 ? 0 : cardsOf(edits, group).length };
}

/** A name that no group has yet. */
export function freshName({ groups }: Edits): string {
  const taken = new Set(groups.map(({ name }) => name));
  let count = 1;
  while (taken.has(`Group ${count}`)) count += 1;
  return `Group ${count}`;
}
