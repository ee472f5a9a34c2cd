/** Tokens through the layers, and why A rather than B. */

import { Panel } from "@/components/Panel";
import { PanelTabs } from "@/views/trace/PanelTabs";

export function WhyPanel() {
  return (
    <Panel title="Why" tabs={<PanelTabs />}>
      {null}
    </Panel>
  );
}
