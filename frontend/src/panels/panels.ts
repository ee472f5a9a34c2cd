/**
 * Every panel of the page: a folder beside this file, and an entry here. Its tab, its key, its line in
 * the list of shortcuts, its command and its address follow.
 *
 * The first is what the page begins with, and a part of the first load; the others are fetched when
 * they are first shown. Ids are in links and files, so they stay.
 */

import { onDemand } from "@/state/onDemand";
import type { PanelEntry } from "@/state/panels";
import { useSession } from "@/state/session";
import { LayersPanel } from "./layers/LayersPanel";

export const PANELS: readonly PanelEntry[] = [
  {
    id: "layers",
    label: "Layers",
    does: "Layers of the traced position",
    key: "4",
    place: "trace",
    Show: LayersPanel,
  },
  {
    id: "grid",
    label: "Grid",
    does: "Grid of all positions",
    key: "5",
    place: "trace",
    Show: onDemand(() => import("./grid/GridPanel").then((module) => module.GridPanel)),
  },
  {
    id: "why",
    label: "Why",
    does: "Why this prediction",
    key: "6",
    place: "trace",
    Show: onDemand(() => import("./why/WhyPanel").then((module) => module.WhyPanel)),
  },
  {
    id: "sub-updates",
    label: "Sub-updates",
    does: "All sub-updates of the layer",
    key: "m",
    place: "layer",
    Show: onDemand(() =>
      import("./sub-updates/SubUpdatesPanel").then((module) => module.SubUpdatesPanel),
    ),
  },
  {
    id: "search",
    label: "Search",
    does: "Explore: search",
    place: "explore",
    tab: true,
    Show: onDemand(() => import("./search/SearchView").then((module) => module.SearchView)),
  },
  {
    id: "map",
    label: "Map",
    does: "Explore: map of clusters",
    place: "explore",
    tab: true,
    Show: onDemand(() => import("./map/MapView").then((module) => module.MapView)),
  },
  {
    id: "layer",
    label: "Layers",
    does: "Explore: leaf through a layer",
    place: "explore",
    tab: true,
    Show: onDemand(() => import("./layer/LayerView").then((module) => module.LayerView)),
  },
  {
    id: "value",
    label: "Vector",
    does: "Explore: page of the selected vector",
    place: "explore",
    tab: false,
    when: () => useSession.getState().selection !== null,
    Show: onDemand(() => import("./value/ValueView").then((module) => module.ValueView)),
  },
  {
    id: "cluster",
    label: "Cluster",
    does: "Explore: cluster",
    place: "explore",
    tab: false,
    when: () => false,
    Show: onDemand(() => import("./cluster/ClusterView").then((module) => module.ClusterView)),
  },
];
