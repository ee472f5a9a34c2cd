/** One layer, read as the data flows: before its FFN, what the FFN adds, after. */

import { memo } from "react";
import { layerId } from "@/state/layers";
import styles from "./LayerRow.module.css";
import { LayerState } from "./LayerState";
import { LayerSubUpdates } from "./LayerSubUpdates";
import type { LayerData, Shared } from "./layerData";

const titleId = (layer: number): string => `${layerId(layer)}-title`;

export const LayerRow = memo(function LayerRow({
  data,
  shared,
}: {
  data: LayerData;
  shared: Shared;
}) {
  const { layer } = data.unedited;
  return (
    <li
      className={styles.layer}
      id={layerId(layer)}
      data-layer={layer}
      aria-labelledby={titleId(layer)}
      data-reading={shared.reading}
    >
      <Title layer={layer} />
      <LayerState label="Before" place="before" data={data} shared={shared} />
      <LayerSubUpdates data={data} reading={shared.reading} />
      <LayerState label="After" place="after" data={data} shared={shared} />
    </li>
  );
});

/** Holds a layer's place until its turn comes; all that is known of it is that it is there. */
export const LayerPlace = memo(function LayerPlace({ layer }: { layer: number }) {
  return (
    <li
      className={styles.layer}
      id={layerId(layer)}
      data-layer={layer}
      aria-labelledby={titleId(layer)}
      aria-busy
    >
      <Title layer={layer} />
    </li>
  );
});

function Title({ layer }: { layer: number }) {
  return (
    <h3 id={titleId(layer)} className={styles.title}>
      <span className="visually-hidden">Layer </span>
      {layer}
    </h3>
  );
}
