/** Where the list of layers stands, and what stands in its place. */

import { create } from "zustand";
import { scrollBehaviour } from "@/lib/motion";
import { FIRST_PANEL, useSession } from "./session";

interface LayersState {
  /** The uppermost layer in sight; null: the list is not on the page. */
  top: number | null;
  /** It begins above the list's upper edge. */
  begun: boolean;
  /** The panel in the place of the list, and the layer that it is about. */
  over: { panel: string; layer: number } | null;
}

export const useLayers = create<LayersState>()(() => ({ top: null, begun: false, over: null }));

/** The id of a layer's element in the list. */
export const layerId = (layer: number): string => `layer-${layer}`;

export function scrollToLayer(layer: number): void {
  document.getElementById(layerId(layer))?.scrollIntoView({ behavior: scrollBehaviour() });
  useLayers.setState({ top: layer, begun: false });
}

/** Show a panel about one layer. */
export const openOver = (panel: string, layer: number): void =>
  useLayers.setState({ over: { panel, layer } });
export const closeOver = (): void => useLayers.setState({ over: null });

/** The same panel, if there is one, about another layer. */
export function moveOver(layer: number): void {
  const { over } = useLayers.getState();
  if (over) openOver(over.panel, layer);
}

/** The next or previous of `layers` layers: in the list, or in the panel in its place. */
export function stepLayer(by: 1 | -1, layers: number): void {
  const { top, begun, over } = useLayers.getState();
  const within = (layer: number) => Math.max(0, Math.min(layer, layers - 1));
  if (over) moveOver(within(over.layer + by));
  else if (top !== null) scrollToLayer(within(by < 0 && begun ? top : top + by));
}

/** Of the layer that has the keyboard's focus, else of the uppermost one in sight; or close it. */
export function toggleOver(panel: string): void {
  const { over, top } = useLayers.getState();
  if (over?.panel === panel) {
    closeOver();
    return;
  }
  const focused = document.activeElement?.closest<HTMLElement>("li[data-layer]");
  const layer = over?.layer ?? (focused ? Number(focused.dataset.layer) : top);
  if (layer !== null) openOver(panel, layer);
}

/** The list draws its layers within a few frames; this is how many it gets. */
const PATIENCE = 120;

/** Go to a layer in the Layers panel, with the keyboard's focus; `position` null: the last token. */
export function openLayer(layer: number, position: number | null): void {
  const { setPosition, setPanel } = useSession.getState();
  setPosition(position);
  setPanel(FIRST_PANEL);
  // Until all layers are drawn, one may still be replaced, which would lose the focus.
  const arrive = (frames: number) => {
    const row = document.getElementById(layerId(layer));
    const drawing = !row || row.closest("ol")?.ariaBusy === "true";
    if (frames === PATIENCE || !drawing) row?.scrollIntoView();
    if (drawing && frames > 0) requestAnimationFrame(() => arrive(frames - 1));
    else if (row) {
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
    }
  };
  requestAnimationFrame(() => arrive(PATIENCE));
}
