/** Panels for tests that need no more of them than that they are there. */

import type { PanelEntry } from "@/state/panels";

export const PANEL_IDS = ["layers", "grid", "why"];
const PAGE_IDS = ["search", "map", "layer", "value", "cluster"];

const Nothing = () => null;
const plain = (id: string) => ({ id, label: id, does: id, Show: Nothing });

export const plainPanels: readonly PanelEntry[] = [
  ...PANEL_IDS.map((id) => ({ ...plain(id), place: "trace" as const })),
  ...PAGE_IDS.map((id) => ({ ...plain(id), place: "explore" as const, tab: true })),
];
