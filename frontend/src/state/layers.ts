/** Where the list of layers stands, and whose sub-updates stand in its place. */

import { create } from "zustand";
import { scrollBehaviour } from "@/lib/motion";
import { useSession } from "./session";

interface LayersState {
  /** The uppermost layer in sight; null: the list is not on the page. */
  top: number | null;
  /** It begins above the list's upper edge. */
  begun: boolean;
  /** The layer whose sub-updates stand in the place of the list. */
  open: number | null;
}

export const useLayers = create<LayersState>()(() => ({ top: null, begun: false, open: null }));

/** The id of a layer's element in the list. */
export const layerId = (layer: number): string => `layer-${layer}`;

export function scrollToLayer(layer: number): void {
  document.getElementById(layerId(layer))?.scrollIntoView({ behavior: scrollBehaviour() });
  useLayers.setState({ top: layer, begun: false });
}

export const openSubUpdates = (layer: number): void => useLayers.setState({ open: layer });
export const closeSubUpdates = (): void => useLayers.setState({ open: null });

/** The next or previous of `layers` layers: in the list, or of those whose sub-updates are shown. */
export function stepLayer(by: 1 | -1, layers: number): void {
  const { top, begun, open } = useLayers.getState();
  const within = (layer: number) => Math.max(0, Math.min(layer, layers - 1));
  if (open !== null) openSubUpdates(within(open + by));
  else if (top !== null) scrollToLayer(within(by < 0 && begun ? top : top + by));
}

/** Of the layer that has the keyboard's focus, else of the uppermost one in sight; or close them. */
export function toggleSubUpdates(): void {
  const { open, top } = useLayers.getState();
  if (open !== null) {
    closeSubUpdates();
    return;
  }
  const focused = document.activeElement?.closest<HTMLElement>("li[data-layer]");
  const layer = focused ? Number(focused.dataset.layer) : top;
  if (layer !== null) openSubUpdates(layer);
}

/** The list draws its layers within a few frames; this is how many it gets. */
const PATIENCE = 120;

/** Go to a layer in the Layers panel, with the keyboard's focus; `position` null: the last token. */
export function openLayer(layer: number, position: number | null): void {
  const { setPosition, setPanel } = useSession.getState();
  setPosition(position);
  setPanel("layers");
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
