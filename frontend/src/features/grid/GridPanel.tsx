/** The lens over all positions and layers. */

import { Panel } from "@/components/Panel";
import { PanelTabs } from "@/views/trace/PanelTabs";

export function GridPanel() {
  return (
    <Panel title="Grid" tabs={<PanelTabs />}>
      {null}
    </Panel>
  );
}
