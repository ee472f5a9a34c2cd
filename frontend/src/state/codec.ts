/**
 * Interventions and groups in every form in which they leave the page, and back.
 *
 * - Requests, and what a run file has for others to read: those in force, as the server takes them.
 * - Files and the browser's storage: cards and groups as they are, as JSON.
 * - Links: `-L3D7*set*1.5*0.2*g1*4` is switched off (-), kind, value, positions, generated tokens,
 *   group; `4*xf*0.5*music` is group 4, switched off (x) and folded (f), strength, name. Empty ends are
 *   left out.
 *
 * A link's texts are taken apart into what JSON would have, so that one reader decides what a card or a
 * group is: whatever somebody stored, saved or wrote by hand is read piece by piece, and a bad piece is
 * left out.
 */

import type { InterventionIn } from "@/api/types";
import { isRecord } from "@/lib/storage";
import { inShape, valueKey } from "@/lib/values";
import { MAX_GROUPS, reduce } from "./edits";
import {
  atStrength,
  type EditedModel,
  type Edits,
  type Group,
  groupOf,
  type Intervention,
  KINDS,
  MAX_CARDS,
  NO_EDITS,
  type Positions,
  takesValue,
} from "./interventions";
import { asList, isIndex, isNumber, readName, readRef } from "./read";

/** Links have room for seven digits. */
const MAX_ID = 9_999_999;

// --- read ---------------------------------------------------------------------------------------

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

/** Its name is empty where it has none. */
function readGroup(value: unknown): Group | null {
  if (!isRecord(value) || !isIndex(value.id) || value.id > MAX_ID) return null;
  return {
    id: value.id,
    name: readName(value.name),
    enabled: value.enabled !== false,
    strength: readStrength(value.strength),
    folded: value.folded === true,
  };
}

/** Of those with the same id the last one; `unnamed`: what the n-th is called that has no name. */
function readGroups(value: unknown, unnamed: (n: number) => string): Group[] {
  const byId = new Map<number, Group>();
  for (const item of asList(value)) {
    const group = readGroup(item);
    if (!group || byId.size >= MAX_GROUPS) continue;
    byId.set(group.id, { ...group, name: group.name || unnamed(byId.size + 1) });
  }
  return [...byId.values()];
}

const asEdits = (list: readonly Intervention[], groups: readonly Group[]): Edits =>
  reduce(NO_EDITS, { type: "replace", list, groups });

export const readEdits = (interventions: unknown, groups: unknown): Edits =>
  asEdits(
    readInterventions(interventions),
    readGroups(groups, (n) => `Group ${n}`),
  );

// --- requests -----------------------------------------------------------------------------------

/** Those that take part in a run of a model, as the server wants them. */
export function forWire(edits: Edits, model: EditedModel): InterventionIn[] {
  return edits.interventions.flatMap((item) => {
    const group = groupOf(edits, item.group);
    if (!item.enabled || group?.enabled === false || !inShape(item, model)) return [];
    const { layer, dim, positions, generated } = item;
    const { kind, value } = atStrength(item, group?.strength ?? 1, model.activation_at_zero);
    return [{ layer, dim, kind, value, positions, generated }];
  });
}

/** The same for the same interventions, whoever wrote the file anew in between (FNV-1a, 32 bits). */
export function digest(interventions: readonly InterventionIn[]): string {
  const text = JSON.stringify(
    interventions.map(({ layer, dim, kind, value, positions, generated }) => [
      [layer, dim, kind, takesValue(kind) ? (value ?? null) : null],
      [positions ?? "all", generated ?? null],
    ]),
  );
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

// --- links --------------------------------------------------------------------------------------

export function readIndex(text: string | null | undefined): number | null {
  return text && /^\d{1,7}$/.test(text) ? Number(text) : null;
}

function encodePositions(positions: Positions): string {
  if (Array.isArray(positions)) return positions.join(".");
  return positions === "all" ? "" : positions;
}

/** What a link cannot say right is all positions. */
function splitPositions(text: string | undefined): Positions {
  if (text === "last") return "last";
  const list = text?.split(".") ?? [];
  return list.length > 0 && list.every((each) => /^-?\d{1,7}$/.test(each))
    ? list.map(Number)
    : "all";
}

export function encodeIntervention(item: Intervention): string {
  const fields = [
    (item.enabled ? "" : "-") + valueKey(item),
    item.kind,
    takesValue(item.kind) ? String(item.value) : "",
    encodePositions(item.positions),
    item.generated === null ? "" : item.generated ? "g1" : "g0",
    item.group === null ? "" : String(item.group),
  ];
  while (fields.at(-1) === "") fields.pop();
  return fields.join("*");
}

function splitIntervention(text: string) {
  const [name = "", kind, value, positions, generated, group] = text.split("*");
  const enabled = !name.startsWith("-");
  return {
    node: enabled ? name : name.slice(1),
    kind,
    value: value ? Number(value) : null,
    positions: splitPositions(positions),
    generated: generated === "g1" ? true : generated === "g0" ? false : null,
    enabled,
    group: readIndex(group),
  };
}

/** Its number, `x` for switched off and `f` for folded, the strength, and the name to the end. */
export function encodeGroup({ id, name, enabled, strength, folded }: Group): string {
  const signs = (enabled ? "" : "x") + (folded ? "f" : "");
  return [id, signs, strength === 1 ? "" : strength, name].join("*");
}

function splitGroup(text: string) {
  const [id, signs = "", strength, ...name] = text.split("*");
  return {
    id: readIndex(id),
    name: name.join("*"),
    enabled: !signs.includes("x"),
    strength: strength ? Number(strength) : 1,
    folded: signs.includes("f"),
  };
}

/** Groups keep their empty names: whoever follows the link may know better. */
export const decodeEdits = (cards: string | null, boxes: readonly string[]): Edits =>
  asEdits(
    readInterventions((cards ?? "").split("_").slice(0, MAX_CARDS).map(splitIntervention)),
    readGroups(boxes.map(splitGroup), () => ""),
  );
