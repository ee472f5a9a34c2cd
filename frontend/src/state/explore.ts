/**
 * Where in Explore the person is and what was asked there.
 *
 * The vector of the value page is the session's selection, as it is everywhere; `sync.ts` keeps both
 * in the address bar.
 */

import { create } from "zustand";
import { type ValueRef, valueKey } from "@/lib/values";

/** The page that Explore begins with; `panels.ts` knows the others. */
export const FIRST_PAGE = "search";

export const MODES = ["keywords", "concepts"] as const;
export type Mode = (typeof MODES)[number];

export const COLUMNS = ["id", "size", "layer", "cohesion"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Sort {
  by: Column;
  descending: boolean;
}

export interface ExplorePlace {
  page: string;
  mode: Mode;
  query: string;
  /** null: as many as the mode usually shows. */
  results: number | null;
  /** Concept search: divide by the vector's norm. */
  normalised: boolean;
  /** Concept search: first and last layer; null: all of them. */
  layers: readonly [number, number] | null;
  /** The layer that is leafed through; null: the selected vector's. */
  layer: number | null;
  /** Its number, or one of its vectors. */
  cluster: number | ValueRef | null;
  /** Which ten members of a cluster come first. */
  seed: number;
  sort: Sort;
  /** What the labels on the map are searched for. */
  filter: string;
}

export const USUAL_RESULTS: Record<Mode, number> = { keywords: 5, concepts: 20 };

export const initialPlace: ExplorePlace = {
  page: FIRST_PAGE,
  mode: "keywords",
  query: "",
  results: null,
  normalised: false,
  layers: null,
  layer: null,
  cluster: null,
  seed: 0,
  sort: { by: "size", descending: true },
  filter: "",
};

interface ExploreState extends ExplorePlace {
  /** Counts searches; the letters of one search are one step for Back. */
  search: number;
  settled: boolean;
  go(place: Partial<ExplorePlace>): void;
  /** What stands in the search box while it is typed. */
  type(query: string): void;
  /** This search is worth coming back to: what is typed next begins another one. */
  settle(): void;
}

export const useExplore = create<ExploreState>()((set) => ({
  ...initialPlace,
  search: 0,
  settled: true,
  go: (place) => set(place),
  type: (query) =>
    set(({ search, settled, query: before }) =>
      query === before
        ? {}
        : { query, settled: false, search: settled && before !== "" ? search + 1 : search },
    ),
  settle: () => set({ settled: true }),
}));

/** A few words for a place, for the title of the tab. */
export function describePlace(place: ExplorePlace, selection: ValueRef | null): string {
  const { page, query, cluster } = place;
  if (page === "value" && selection) return valueKey(selection);
  if (page === "cluster" && typeof cluster === "number") return `Cluster ${cluster}`;
  if (page === "map") return "Map of clusters";
  return page === "search" && query !== "" ? `Search: ${query}` : "Explore";
}

export const placeOf = (state: ExploreState): ExplorePlace => {
  const { search: _s, settled: _d, go: _g, type: _t, settle: _e, ...place } = state;
  return place;
};
