/**
 * Interventions and groups as a link has them.
 *
 * `-L3D7*set*1.5*0.2*g1*4`: switched off (-), kind, value, positions, generated tokens, group. Empty
 * ends are left out. `4*xf*0.5*music`: group 4, switched off (x) and folded (f), strength, name.
 */

import { parseValue, valueKey } from "@/lib/values";
import { MAX_GROUPS, reduce } from "./edits";
import {
  type Edits,
  type Group,
  type Intervention,
  KINDS,
  MAX_CARDS,
  NO_EDITS,
  newIntervention,
  type Positions,
  takesValue,
} from "./interventions";
import { cleanName } from "./names";

export function readIndex(text: string | null | undefined): number | null {
  return text && /^\d{1,7}$/.test(text) ? Number(text) : null;
}

export function encodeIntervention(item: Intervention): string {
  const fields = [
    (item.enabled ? "" : "-") + valueKey(item),
    item.kind,
    takesValue(item.kind) ? String(item.value) : "",
    Array.isArray(item.positions)
      ? item.positions.join(".")
      : item.positions === "all"
        ? ""
        : item.positions,
    item.generated === null ? "" : item.generated ? "g1" : "g0",
    item.group === null ? "" : String(item.group),
  ];
  while (fields.at(-1) === "") fields.pop();
  return fields.join("*");
}

function decodePositions(text: string | undefined): Positions {
  if (!text || text === "all") return "all";
  if (text === "last") return "last";
  const list = text.split(".");
  return list.every((each) => /^-?\d{1,7}$/.test(each)) ? list.map(Number) : "all";
}

function decodeIntervention(text: string): Intervention | null {
  const [name = "", kindText, valueText, positions, generated, group] = text.split("*");
  const enabled = !name.startsWith("-");
  const ref = parseValue(enabled ? name : name.slice(1));
  const kind = KINDS.find((known) => known === kindText);
  if (!ref || !kind) return null;
  const value = valueText ? Number(valueText) : Number.NaN;
  if (takesValue(kind) && !Number.isFinite(value)) return null;
  return {
    ...newIntervention(ref),
    kind,
    value: Number.isFinite(value) ? value : 1,
    positions: decodePositions(positions),
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

function decodeGroup(text: string): Group | null {
  const [number, signs = "", strength, ...name] = text.split("*");
  const id = readIndex(number);
  if (id === null) return null;
  return {
    id,
    name: cleanName(name.join("*")),
    enabled: !signs.includes("x"),
    strength: strength && Number.isFinite(Number(strength)) ? Number(strength) : 1,
    folded: signs.includes("f"),
  };
}

export function decodeEdits(cards: string | null, boxes: readonly string[]): Edits {
  const items = (cards ?? "").split("_").slice(0, MAX_CARDS);
  const groups = new Map<number, Group>();
  for (const text of boxes.slice(0, MAX_GROUPS)) {
    const group = decodeGroup(text);
    if (group) groups.set(group.id, group);
  }
  return reduce(NO_EDITS, {
    type: "replace",
    list: items.flatMap((item) => decodeIntervention(item) ?? []),
    groups: [...groups.values()],
  });
}
