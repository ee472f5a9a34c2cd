/** Which panel stands in the middle of the Trace view. */

import { Segmented } from "@/components/Segmented";
import { useTracePanel, useTracePanels } from "@/state/panels";
import { useSession } from "@/state/session";

export function PanelTabs() {
  const panels = useTracePanels();
  const shown = useTracePanel();
  return (
    <Segmented
      label="What the middle shows"
      value={shown?.id ?? ""}
      options={panels.map(({ id, label }) => ({ value: id, label }))}
      onChange={useSession.getState().setPanel}
    />
  );
}
