/** What stands in the middle of the prediction view: layers, the grid of all positions, or why. */

import { Segmented } from "@/components/Segmented";
import { PANELS, type Panel, useSession } from "@/state/session";

const LABELS: Record<Panel, string> = { layers: "Layers", grid: "Grid", why: "Why" };
const OPTIONS = PANELS.map((panel) => ({ value: panel, label: LABELS[panel] }));

export function PanelTabs() {
  const panel = useSession((state) => state.panel);
  return (
    <Segmented
      label="What the middle shows"
      value={panel}
      options={OPTIONS}
      onChange={useSession.getState().setPanel}
    />
  );
}
