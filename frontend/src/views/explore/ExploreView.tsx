/** Explore: go to any value vector by its name or `L12D34`, or leaf through a layer's vectors. */

import { useState } from "react";
import { Workbench } from "@/features/details/Workbench";
import { ModelState } from "@/features/header/ModelState";
import { useReadyModel } from "@/state/model";
import { useSession } from "@/state/session";
import styles from "./ExploreView.module.css";
import { GoTo } from "./GoTo";
import { VectorList } from "./VectorList";

export function ExploreView() {
  const model = useReadyModel();
  const selection = useSession((state) => state.selection);
  const [chosen, setChosen] = useState(selection?.layer ?? 0);
  const [followed, setFollowed] = useState(selection);
  // A vector selected elsewhere (the box, a link, Back) brings its layer along.
  if (selection !== followed) {
    setFollowed(selection);
    if (selection) setChosen(selection.layer);
  }
  if (!model)
    return (
      <div className={styles.view}>
        <ModelState />
      </div>
    );
  const layer = Math.min(chosen, model.n_layers - 1);
  return (
    <div className={styles.view}>
      <div className={styles.bar}>
        <GoTo model={model} />
        <label className={styles.layer}>
          Layer
          <select value={layer} onChange={(event) => setChosen(Number(event.target.value))}>
            {Array.from({ length: model.n_layers }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
              <option key={index} value={index}>
                {index}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Workbench>
        <VectorList key={`${model.id} ${layer}`} model={model} layer={layer} />
      </Workbench>
    </div>
  );
}
