/** What stands in the middle of the prediction view: layers, the grid of all positions, or why. */

import { Segmented } from "@/components/Segmented";
import { useSession } from "@/state/session";

const OPTIONS = [
  { value: "layers", label: "Layers" },
  { value: "grid", label: "Grid" },
  { value: "why", label: "Why" },
] as const;

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
