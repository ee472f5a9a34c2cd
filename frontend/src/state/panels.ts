/**
 * The panels that the page has. `panels/panels.ts` lists them, and whoever starts the page provides
 * that list: here are no more than its type and what follows from it, for tabs, keys, commands and the
 * address.
 */

import { type ComponentType, useMemo } from "react";
import { create } from "zustand";
import { can, type ReadyModel } from "@/api/queries";
import { FIRST_PAGE, useExplore } from "./explore";
import { useModel } from "./model";
import { FIRST_PANEL, useSession } from "./session";

interface Entry {
  /** In the address and in run files, so it stays. */
  id: string;
  /** On its tab. */
  label: string;
  /** In the list of shortcuts and in the command palette. */
  does: string;
  key?: string;
  /** What a model must be able to answer; where it cannot, there is no such panel. */
  needs?: string;
}

/** One of several in the middle of the Trace view. */
export interface TracePanel extends Entry {
  place: "trace";
  Show: ComponentType;
}

/** About one layer, in the place of the list of layers, which waits behind it as it was. */
export interface LayerPanel extends Entry {
  place: "layer";
  Show: ComponentType<{ layer: number }>;
}

/** A page of Explore; its id is in the path. */
export interface ExplorePage extends Entry {
  place: "explore";
  /** false: links lead to it, no tab. */
  tab: boolean;
  /** Whether there is anything to show now, for its command; without it, always. */
  when?: () => boolean;
  Show: ComponentType<{ model: ReadyModel }>;
}

export type PanelEntry = TracePanel | LayerPanel | ExplorePage;

const usePanels = create<{ list: readonly PanelEntry[] }>()(() => ({ list: [] }));

export const providePanels = (list: readonly PanelEntry[]): void => usePanels.setState({ list });

const isTracePanel = (entry: PanelEntry): entry is TracePanel => entry.place === "trace";
const isExplorePage = (entry: PanelEntry): entry is ExplorePage => entry.place === "explore";
const isLayerPanel = (entry: PanelEntry): entry is LayerPanel => entry.place === "layer";

/** The panel of the Trace view that a link or a file names; what it does not know is the first. */
export const readPanel = (id: unknown): string =>
  usePanels.getState().list.find((entry) => isTracePanel(entry) && entry.id === id)?.id ??
  FIRST_PANEL;

/** The page of Explore that a path names; null: there is none such. */
export const readPage = (id: unknown): string | null =>
  usePanels.getState().list.find((entry) => isExplorePage(entry) && entry.id === id)?.id ?? null;

/** All that the present model can answer. */
export function usePanelList(): readonly PanelEntry[] {
  const list = usePanels((state) => state.list);
  const model = useModel();
  return useMemo(() => list.filter(({ needs }) => can(model, needs)), [list, model]);
}

export const useTracePanels = (): readonly TracePanel[] => usePanelList().filter(isTracePanel);

/** The one that is shown: the chosen one, or the first where the model has none such. */
export function useTracePanel(): TracePanel | undefined {
  const panels = useTracePanels();
  const chosen = useSession((state) => state.panel);
  return panels.find(({ id }) => id === chosen) ?? panels[0];
}

export const useLayerPanel = (id: string | undefined): LayerPanel | undefined =>
  usePanelList()
    .filter(isLayerPanel)
    .find((entry) => entry.id === id);

export const useExplorePages = (): readonly ExplorePage[] => usePanelList().filter(isExplorePage);

/** The one that is shown: the one in the path, or the first where the model has none such. */
export function useExplorePage(): ExplorePage | undefined {
  const pages = useExplorePages();
  const chosen = useExplore((state) => state.page);
  return pages.find(({ id }) => id === chosen) ?? pages.find(({ id }) => id === FIRST_PAGE);
}
