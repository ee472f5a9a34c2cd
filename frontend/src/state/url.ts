/**
 * The state of the page as a link, and back. Every key of the address lives here.
 *
 * `#/trace?v=1&m=demo&p=The+king&i=L3D7*off_L5D9*scale*1.5*last_-L2D3*on&t=1&s=L3D7&r=difference`
 *
 * The state is behind the `#`, so prompts stay out of servers' logs and the page works behind any
 * prefix. Whatever a link holds is checked piece by piece; a bad piece is left out.
 */

import { parseValue, type ValueRef, valueKey } from "@/lib/values";
import {
  type Intervention,
  KINDS,
  newIntervention,
  type Positions,
  takesValue,
} from "./interventions";
import { cleanName, type Names } from "./names";
import { READINGS, type Reading } from "./session";

export const KEYS = {
  version: "v",
  model: "m",
  prompt: "p",
  interventions: "i",
  position: "t",
  selection: "s",
  reading: "r",
  names: "n",
} as const;

export const VERSION = 1;
/** Longer addresses are cut off by mail programs and refused by proxies. */
export const MAX_LINK = 8_000;
const MAX_READ = 100_000;
const MAX_ITEMS = 256;

export const VIEWS = ["trace", "explore"] as const;
export type View = (typeof VIEWS)[number];

export interface LinkState {
  model: string | null;
  prompt: string | null;
  interventions: readonly Intervention[];
  position: number | null;
  selection: ValueRef | null;
  reading: Reading;
  names: Names;
}

export interface Link {
  view: View;
  /** null: the address names a view and nothing else. */
  state: LinkState | null;
  problem: "newer" | "too-long" | null;
}

function encodeIntervention(item: Intervention): string {
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
  ];
  while (fields.at(-1) === "") fields.pop();
  return fields.join("*");
}

function decodePositions(text: string | undefined): Positions {
  if (!text || text === "all") return "all";
  if (text === "last") return "last";
  const list = text.split(".").map(Number);
  return list.length <= MAX_ITEMS && list.every(Number.isSafeInteger) ? list : "all";
}

function decodeIntervention(text: string): Intervention | null {
  const [name = "", kindText, valueText, positions, generated] = text.split("*");
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
  };
}

const hash = (view: View, params: URLSearchParams): string => `#/${view}?${params}`;

function params(state: LinkState): URLSearchParams {
  const out = new URLSearchParams({ [KEYS.version]: String(VERSION) });
  if (state.model) out.set(KEYS.model, state.model);
  if (state.prompt !== null) out.set(KEYS.prompt, state.prompt);
  if (state.interventions.length > 0)
    out.set(KEYS.interventions, state.interventions.map(encodeIntervention).join("_"));
  if (state.position !== null) out.set(KEYS.position, String(state.position));
  if (state.selection) out.set(KEYS.selection, valueKey(state.selection));
  if (state.reading !== "edited") out.set(KEYS.reading, state.reading);
  for (const [key, name] of Object.entries(state.names)) out.append(KEYS.names, `${key}*${name}`);
  return out;
}

/** The link, and whether all of the state fitted into it: names go first, then prompt and edits. */
export function encodeLink(view: View, state: LinkState): { hash: string; complete: boolean } {
  const whole = hash(view, params(state));
  if (whole.length <= MAX_LINK) return { hash: whole, complete: true };
  const unnamed = hash(view, params({ ...state, names: {} }));
  if (unnamed.length <= MAX_LINK) return { hash: unnamed, complete: false };
  const small: LinkState = { ...state, prompt: null, interventions: [], position: null, names: {} };
  return { hash: hash(view, params(small)), complete: false };
}

function readView(path: string): View {
  return VIEWS.find((view) => path === `/${view}`) ?? "trace";
}

function readNames(entries: string[]): Names {
  return Object.fromEntries(
    entries.slice(0, MAX_ITEMS).flatMap((entry) => {
      const star = entry.indexOf("*");
      const ref = parseValue(entry.slice(0, Math.max(star, 0)));
      const name = cleanName(entry.slice(star + 1));
      return ref && name ? [[valueKey(ref), name]] : [];
    }),
  );
}

function readPosition(text: string | null): number | null {
  return text !== null && /^\d{1,7}$/.test(text) ? Number(text) : null;
}

/** Read the part of an address from `#` on. */
export function decodeLink(text: string): Link {
  const [path = "", query = ""] = split(text.replace(/^#/, ""));
  const view = readView(path);
  if (text.length > MAX_READ) return { view, state: null, problem: "too-long" };
  const found = new URLSearchParams(query);
  const version = found.get(KEYS.version);
  if (version === null) return { view, state: null, problem: null };
  if (version !== String(VERSION)) return { view, state: null, problem: "newer" };
  const items = (found.get(KEYS.interventions) ?? "").split("_").slice(0, MAX_ITEMS);
  const state: LinkState = {
    model: found.get(KEYS.model),
    prompt: found.get(KEYS.prompt),
    interventions: items.flatMap((item) => decodeIntervention(item) ?? []),
    position: readPosition(found.get(KEYS.position)),
    selection: parseValue(found.get(KEYS.selection) ?? ""),
    reading: READINGS.find((known) => known === found.get(KEYS.reading)) ?? "edited",
    names: readNames(found.getAll(KEYS.names)),
  };
  return { view, state, problem: null };
}

function split(text: string): [string, string] {
  const mark = text.indexOf("?");
  return mark < 0 ? [text, ""] : [text.slice(0, mark), text.slice(mark + 1)];
}
