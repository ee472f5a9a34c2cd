/**
 * The state of the page as a link, and back. Every key of the address lives here.
 *
 * `#/trace?v=1&m=demo&p=The+king&i=L3D7*off_L5D9*scale*1.5*last_-L2D3*on&t=1&s=L3D7&r=difference`
 *
 * `#/trace?v=1&p=The+king&i=L3D7*off****1_L5D9*set*2***1&g=1*f*0.5*music`: both in a folded group
 *
 * `#/explore/cluster?v=1&m=demo&c=17&cs=3`
 *
 * The state is behind the `#`, so prompts stay out of servers' logs and the page works behind any
 * prefix. Whatever a link holds is checked piece by piece; a bad piece is left out.
 */

import { parseValue, type ValueRef, valueKey } from "@/lib/values";
import { decodeEdits, encodeGroup, encodeIntervention, readIndex } from "./codec";
import { COLUMNS, type ExplorePlace, initialPlace, MODES, type Sort } from "./explore";
import { type Edits, MAX_CARDS, NO_EDITS } from "./interventions";
import { type Names, readNames } from "./names";
import { readPage, readPanel } from "./panels";
import { FIRST_PANEL, MAX_TOKENS, READINGS, type Reading } from "./session";

export const KEYS = {
  version: "v",
  model: "m",
  prompt: "p",
  interventions: "i",
  groups: "g",
  position: "t",
  selection: "s",
  reading: "r",
  panel: "w",
  tokens: "a",
  names: "n",
  mode: "k",
  query: "q",
  results: "qn",
  normalised: "qd",
  layers: "ql",
  layer: "l",
  cluster: "c",
  seed: "cs",
  sort: "o",
  filter: "f",
} as const;

export const VERSION = 1;
/** Longer addresses are cut off by mail programs and refused by proxies. */
export const MAX_LINK = 8_000;
const MAX_READ = 100_000;

export const VIEWS = ["trace", "explore"] as const;
export type View = (typeof VIEWS)[number];

/** The name of a group is empty where it did not fit into the link. */
export interface LinkState extends Edits {
  model: string | null;
  prompt: string | null;
  position: number | null;
  selection: ValueRef | null;
  reading: Reading;
  panel: string;
  tokens: readonly number[];
  names: Names;
  /** Only where the link is one to Explore. */
  explore: ExplorePlace | null;
}

export interface Link {
  view: View;
  /** The page of Explore; null: none is named. */
  page: string | null;
  /** null: the address names a view and nothing else. */
  state: LinkState | null;
  problem: "newer" | "too-long" | null;
}

function encodeSort({ by, descending }: Sort): string {
  return (descending ? "-" : "") + by;
}

function decodeSort(text: string): Sort {
  const descending = text.startsWith("-");
  const by = COLUMNS.find((known) => known === (descending ? text.slice(1) : text));
  return by ? { by, descending } : initialPlace.sort;
}

/** Only what differs from the beginning; the page is in the path. */
function exploreParams(place: ExplorePlace): [string, string][] {
  const { mode, query, results, layers, layer, cluster, seed, filter } = place;
  const sort = encodeSort(place.sort);
  const all: [string, string | number | null][] = [
    [KEYS.mode, mode === initialPlace.mode ? null : mode],
    [KEYS.query, query || null],
    [KEYS.results, results],
    [KEYS.normalised, place.normalised ? 1 : null],
    [KEYS.layers, layers ? layers.join("-") : null],
    [KEYS.layer, layer],
    [KEYS.cluster, typeof cluster === "object" ? cluster && valueKey(cluster) : cluster],
    [KEYS.seed, seed || null],
    [KEYS.sort, sort === encodeSort(initialPlace.sort) ? null : sort],
    [KEYS.filter, filter || null],
  ];
  return all.flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]]));
}

function readPlace(page: string | null, found: URLSearchParams): ExplorePlace {
  const results = readIndex(found.get(KEYS.results));
  const layers = (found.get(KEYS.layers) ?? "").split("-").map(readIndex);
  const [first, last] = layers;
  const cluster = found.get(KEYS.cluster);
  return {
    page: page ?? initialPlace.page,
    mode: MODES.find((known) => known === found.get(KEYS.mode)) ?? initialPlace.mode,
    query: found.get(KEYS.query) ?? "",
    results: results !== null && results >= 1 ? results : null,
    normalised: found.get(KEYS.normalised) === "1",
    layers:
      layers.length === 2 && first != null && last != null && first <= last ? [first, last] : null,
    layer: readIndex(found.get(KEYS.layer)),
    cluster: readIndex(cluster) ?? parseValue(cluster ?? ""),
    seed: readIndex(found.get(KEYS.seed)) ?? 0,
    sort: decodeSort(found.get(KEYS.sort) ?? ""),
    filter: found.get(KEYS.filter) ?? "",
  };
}

/** Where the keys of the reference's exploration lead; null if the query holds none of them. */
export function decodeReference(
  search: string,
): { explore: ExplorePlace; selection: ValueRef | null } | null {
  if (search.length > MAX_LINK) return null;
  const found = new URLSearchParams(search);
  const query = found.get("keywords")?.trim() ?? "";
  const layer = readIndex(found.get("L"));
  const dim = readIndex(found.get("D"));
  const selection = layer !== null && dim !== null ? { layer, dim } : null;
  if (query === "" && !selection) return null;
  const isOn = (key: string) => found.get(key)?.toLowerCase() === "true";
  const page =
    selection && isOn("visualize_cluster")
      ? "cluster"
      : selection && (isOn("visualize") || query === "")
        ? "value"
        : "search";
  const cluster = page === "cluster" ? selection : null;
  return { explore: { ...initialPlace, page, query, cluster }, selection };
}

const PREFIX = `v=${VERSION}`;
/** Links inside the page: to a vector's page, to a cluster's. */
export const valuePath = (ref: ValueRef): string =>
  `/explore/value?${PREFIX}&${KEYS.selection}=${valueKey(ref)}`;
export const clusterPath = (cluster: number): string =>
  `/explore/cluster?${PREFIX}&${KEYS.cluster}=${cluster}`;

const hash = (view: View, state: LinkState): string => {
  const page = view === "explore" && state.explore ? `/${state.explore.page}` : "";
  const query = params(state);
  if (view === "explore" && state.explore)
    for (const [key, value] of exploreParams(state.explore)) query.set(key, value);
  return `#/${view}${page}?${query}`;
};

function params(state: LinkState): URLSearchParams {
  const out = new URLSearchParams({ [KEYS.version]: String(VERSION) });
  if (state.model) out.set(KEYS.model, state.model);
  if (state.prompt !== null) out.set(KEYS.prompt, state.prompt);
  if (state.interventions.length > 0)
    out.set(KEYS.interventions, state.interventions.map(encodeIntervention).join("_"));
  for (const group of state.groups) out.append(KEYS.groups, encodeGroup(group));
  if (state.position !== null) out.set(KEYS.position, String(state.position));
  if (state.selection) out.set(KEYS.selection, valueKey(state.selection));
  if (state.reading !== "edited") out.set(KEYS.reading, state.reading);
  if (state.panel !== FIRST_PANEL) out.set(KEYS.panel, state.panel);
  if (state.tokens.length > 0) out.set(KEYS.tokens, state.tokens.join("."));
  for (const [key, name] of Object.entries(state.names)) out.append(KEYS.names, `${key}*${name}`);
  return out;
}

/** The link, and whether all of the state fitted into it: names go first, then prompt and edits. */
export function encodeLink(view: View, state: LinkState): { hash: string; complete: boolean } {
  const whole = hash(view, state);
  if (whole.length <= MAX_LINK) return { hash: whole, complete: true };
  const groups = state.groups.map((group) => ({ ...group, name: "" }));
  const unnamed = hash(view, { ...state, groups, names: {} });
  if (unnamed.length <= MAX_LINK) return { hash: unnamed, complete: false };
  const small: LinkState = { ...state, ...NO_EDITS, prompt: null, position: null, names: {} };
  return { hash: hash(view, small), complete: false };
}

function readPath(path: string): { view: View; page: string | null } {
  const [, first, second, ...rest] = path.split("/");
  const view = VIEWS.find((known) => known === first) ?? "trace";
  if (rest.length > 0 || view !== "explore") return { view, page: null };
  return { view, page: readPage(second) };
}

function decodeNames(entries: string[]): Names {
  const pairs = entries.slice(0, MAX_CARDS).map((entry) => {
    const star = Math.max(entry.indexOf("*"), 0);
    return [entry.slice(0, star), entry.slice(star + 1)];
  });
  return readNames(Object.fromEntries(pairs));
}

function readTokens(text: string): number[] {
  const ids = text.split(".").map(readIndex);
  return ids.flatMap((id) => id ?? []).slice(0, MAX_TOKENS);
}

/** Read the part of an address from `#` on. */
export function decodeLink(text: string): Link {
  const [path = "", query = ""] = split(text.replace(/^#/, ""));
  const { view, page } = readPath(path);
  if (text.length > MAX_READ) return { view, page, state: null, problem: "too-long" };
  const found = new URLSearchParams(query);
  const version = found.get(KEYS.version);
  if (version === null) return { view, page, state: null, problem: null };
  if (version !== String(VERSION)) return { view, page, state: null, problem: "newer" };
  const state: LinkState = {
    model: found.get(KEYS.model),
    prompt: found.get(KEYS.prompt),
    ...decodeEdits(found.get(KEYS.interventions), found.getAll(KEYS.groups)),
    position: readIndex(found.get(KEYS.position)),
    selection: parseValue(found.get(KEYS.selection) ?? ""),
    reading: READINGS.find((known) => known === found.get(KEYS.reading)) ?? "edited",
    panel: readPanel(found.get(KEYS.panel)),
    tokens: readTokens(found.get(KEYS.tokens) ?? ""),
    names: decodeNames(found.getAll(KEYS.names)),
    explore: view === "explore" ? readPlace(page, found) : null,
  };
  return { view, page, state, problem: null };
}

function split(text: string): [string, string] {
  const mark = text.indexOf("?");
  return mark < 0 ? [text, ""] : [text.slice(0, mark), text.slice(mark + 1)];
}
