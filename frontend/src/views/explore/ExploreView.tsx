/** Explore: what the value vectors hold, without any prompt. Its pages, and the head they share. */

import { IndexState } from "@/components/explore/IndexState";
import { ModelState } from "@/components/ModelState";
import { useExplore } from "@/state/explore";
import { useReadyModel } from "@/state/model";
import { ClusterView } from "./ClusterView";
import { ExploreBar } from "./ExploreBar";
import styles from "./ExploreView.module.css";
import { LayerView } from "./LayerView";
import { MapView } from "./MapView";
import { SearchView } from "./SearchView";
import { ValueView } from "./ValueView";

const VIEWS = {
  search: SearchView,
  map: MapView,
  layer: LayerView,
  value: ValueView,
  cluster: ClusterView,
};

export function ExploreView() {
  const model = useReadyModel();
  const page = useExplore((state) => state.page);
  if (!model)
    return (
      <div className={styles.view}>
        <ModelState />
      </div>
    );
  const View = VIEWS[page];
  return (
    <div className={styles.view}>
      <ExploreBar model={model} />
      <IndexState model={model.id} />
      <View key={model.id} model={model} />
    </div>
  );
}
