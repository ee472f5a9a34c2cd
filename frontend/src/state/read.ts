/** What somebody stored, saved or wrote by hand, read piece by piece: a bad piece is left out. */

import { isRecord } from "@/lib/storage";
import type { ValueRef } from "@/lib/values";
import { MAX_GROUPS, reduce } from "./edits";
import {
  type Edits,
  type Group,
  type Intervention,
  KINDS,
  MAX_CARDS,
  NO_EDITS,
  type Positions,
  takesValue,
} from "./interventions";
import { cleanName } from "./names";
import { MAX_TOKENS, READINGS, type Reading } from "./session";

/** Links have room for seven digits. */
const MAX_ID = 9_999_999;

export const isIndex = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

export function readRef(value: unknown): ValueRef | null {
  if (!isRecord(value) || !isIndex(value.layer) || !isIndex(value.dim)) return null;
  return { layer: value.layer, dim: value.dim };
}

function readPositions(value: unknown): Positions | null {
  if (value === undefined || value === "all") return "all";
  if (value === "last") return value;
  const readable = Array.isArray(value) && value.length > 0 && value.every(Number.isSafeInteger);
  return readable ? (value as number[]) : null;
}

/** null: it is none, or lacks something without which it would be another one. */
export function readIntervention(value: unknown): Intervention | null {
  const ref = readRef(value);
  if (!ref || !isRecord(value)) return null;
  const kind = KINDS.find((known) => known === value.kind);
  const positions = readPositions(value.positions);
  if (!kind || !positions || (takesValue(kind) && !isNumber(value.value))) return null;
  return {
    ...ref,
    kind,
    value: isNumber(value.value) ? value.value : 1,
    positions,
    generated: typeof value.generated === "boolean" ? value.generated : null,
    enabled: value.enabled !== false,
    group: isIndex(value.group) ? value.group : null,
  };
}

export const readInterventions = (value: unknown): Intervention[] =>
  asList(value)
    .flatMap((item) => readIntervention(item) ?? [])
    .slice(0, MAX_CARDS);

export const readStrength = (value: unknown): number => (isNumber(value) ? value : 1);

function readGroups(value: unknown): Group[] {
  const byId = new Map<number, Group>();
  for (const item of asList(value)) {
    if (!isRecord(item) || byId.size >= MAX_GROUPS) continue;
    if (!isIndex(item.id) || item.id > MAX_ID) continue;
    byId.set(item.id, {
      id: item.id,
      name: readName(item.name) || `Group ${byId.size + 1}`,
      enabled: item.enabled !== false,
      strength: readStrength(item.strength),
      folded: item.folded === true,
    });
  }
  return [...byId.values()];
}

export const readEdits = (interventions: unknown, groups: unknown): Edits =>
  reduce(NO_EDITS, {
    type: "replace",
    list: readInterventions(interventions),
    groups: readGroups(groups),
  });

export const readName = (value: unknown): string =>
  typeof value === "string" ? cleanName(value) : "";

export const readReading = (value: unknown): Reading =>
  READINGS.find((known) => known === value) ?? "edited";

export const readTokens = (value: unknown): number[] =>
  asList(value).filter(isIndex).slice(0, MAX_TOKENS);
