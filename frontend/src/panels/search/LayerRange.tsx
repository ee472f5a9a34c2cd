/** First and last layer of a concept search. */

import { useExplore } from "@/state/explore";
import styles from "./SearchView.module.css";

export function LayerRange({ layers }: { layers: number }) {
  const [first, last] = clamp(
    useExplore((state) => state.layers),
    layers,
  );
  const set = (from: number, to: number) =>
    useExplore.getState().go({ layers: from === 0 && to === layers - 1 ? null : [from, to] });
  const options = Array.from({ length: layers }, (_, layer) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
    <option key={layer} value={layer}>
      {layer}
    </option>
  ));
  return (
    <span className={styles.option}>
      <label className={styles.option}>
        Layers
        <select
          value={first}
          onChange={(event) => {
            const from = Number(event.target.value);
            set(from, Math.max(from, last));
          }}
        >
          {options}
        </select>
      </label>
      <label className={styles.option}>
        to
        <select
          value={last}
          onChange={(event) => {
            const to = Number(event.target.value);
            set(Math.min(first, to), to);
          }}
        >
          {options}
        </select>
      </label>
    </span>
  );
}

/** A link may hold layers that this model does not have. */
export function clamp(range: readonly [number, number] | null, layers: number): [number, number] {
  const [first, last] = range ?? [0, layers - 1];
  return [Math.min(first, layers - 1), Math.min(last, layers - 1)];
}
