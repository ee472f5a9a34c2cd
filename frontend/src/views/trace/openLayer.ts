import { useSession } from "@/state/session";
import { layerId } from "./LayerRow";

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
