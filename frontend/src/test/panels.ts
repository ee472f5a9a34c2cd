/** Panels for tests that need no more of them than that they are there. */

import type { TracePanel } from "@/state/panels";

export const PANEL_IDS = ["layers", "grid", "why"];

const Nothing = () => null;

export const plainPanels = PANEL_IDS.map(
  (id): TracePanel => ({ id, label: id, does: id, place: "trace", Show: Nothing }),
);
