/** Groups that a person saved in this browser, per model, under their names. */

import { isRecord, readStored, writeStored } from "@/lib/storage";
import { readInterventions, readStrength } from "@/state/codec";
import { cardsOf, type Edits, type Group, type Intervention } from "@/state/interventions";
import { type Names, namesFor, readNames } from "@/state/names";
import { readName } from "@/state/read";

export interface SavedGroup {
  name: string;
  strength: number;
  cards: readonly Intervention[];
  /** What its vectors were called. */
  names: Names;
}

const PREFIX = "lmd.groups.";
export const MAX_SAVED = 100;

function readGroup(value: unknown): SavedGroup[] {
  if (!isRecord(value) || !readName(value.name)) return [];
  return [
    {
      name: readName(value.name),
      strength: readStrength(value.strength),
      cards: readInterventions(value.cards).map((card) => ({ ...card, group: null })),
      names: readNames(value.names),
    },
  ];
}

/** By name; read anew each time, as another tab may have saved some. */
export function savedGroups(model: string): SavedGroup[] {
  const stored = readStored(PREFIX + model);
  const groups = Array.isArray(stored) ? stored.flatMap(readGroup) : [];
  return groups.slice(0, MAX_SAVED).sort((a, b) => a.name.localeCompare(b.name));
}

/** A group as it is now, to be saved. */
export const asSaved = (edits: Edits, { id, name, strength }: Group, names: Names): SavedGroup => {
  const cards = cardsOf(edits, id).map((card) => ({ ...card, group: null }));
  return { name, strength, cards, names: namesFor(names, cards) };
};

/** One of the same name is replaced. Whether the browser kept it: its storage may be full or blocked. */
export function keepGroup(model: string, group: SavedGroup): boolean {
  const others = savedGroups(model).filter(({ name }) => name !== group.name);
  if (others.length >= MAX_SAVED) return false;
  writeStored(PREFIX + model, [...others, group]);
  const kept = savedGroups(model).find(({ name }) => name === group.name);
  return JSON.stringify(kept) === JSON.stringify(group);
}

export function dropGroup(model: string, name: string): void {
  const others = savedGroups(model).filter((group) => group.name !== name);
  writeStored(PREFIX + model, others.length > 0 ? others : null);
}
