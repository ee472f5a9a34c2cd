import { useSession } from "@/state/session";
import { layerId } from "./LayerRow";

/** The list draws its layers within a few frames; this is how many it gets. */
const PATIENCE = 60;

/** Go to a layer in the Layers panel, with the keyboard's focus; `position` null: the last token. */
export function openLayer(layer: number, position: number | null): void {
  const { setPosition, setPanel } = useSession.getState();
  setPosition(position);
  setPanel("layers");
  const arrive = (frames: number) => {
    const row = document.getElementById(layerId(layer));
    row?.scrollIntoView();
    if (row && row.ariaBusy !== "true") {
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
    } else if (frames > 0) requestAnimationFrame(() => arrive(frames - 1));
  };
  requestAnimationFrame(() => arrive(PATIENCE));
}
