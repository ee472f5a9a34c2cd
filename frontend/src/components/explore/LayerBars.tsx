/** In which layers a cluster's members are: one bar per layer. */

import { memo } from "react";
import styles from "./LayerBars.module.css";

const describe = (counts: readonly number[]): string =>
  `Members by layer: ${counts
    .flatMap((count, layer) => (count > 0 ? [`${count} in layer ${layer}`] : []))
    .join(", ")}`;

const HEIGHT = 18;
const WIDTH = 216;
const WIDEST_STEP = 24;
const GAP = 1;
const LEAST = 1.5;

/** Small, for a row: one path, however many layers there are. */
export const Sparkline = memo(function Sparkline({ counts }: { counts: readonly number[] }) {
  const largest = Math.max(1, ...counts);
  const step = Math.min(WIDEST_STEP, WIDTH / counts.length);
  const path = counts.map((count, layer) => {
    const height = count > 0 ? Math.max(LEAST, (count / largest) * HEIGHT) : 0;
    return height > 0 ? `M${layer * step} ${HEIGHT}v${-height}h${step - GAP}v${height}z` : "";
  });
  const width = counts.length * step - GAP;
  return (
    <svg
      className={styles.small}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      width={width}
      height={HEIGHT}
      preserveAspectRatio="none"
      role="img"
      aria-label={describe(counts)}
    >
      <path className={styles.ground} d={`M0 ${HEIGHT - 0.5}h${width}`} />
      <path className={styles.bars} d={path.join("")} />
    </svg>
  );
});

/** Large, with the layers written below. */
export function LayerBars({ counts }: { counts: readonly number[] }) {
  const largest = Math.max(1, ...counts);
  const every = counts.length > 16 ? 4 : 1;
  return (
    <div className={styles.large} role="img" aria-label={describe(counts)}>
      {counts.map((count, layer) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
        <div key={layer} className={styles.layer} title={`layer ${layer}: ${count}`}>
          <span className={styles.count}>{count > 0 && every === 1 && count}</span>
          <span className={styles.bar} style={{ height: `${(count / largest) * 40}px` }} />
          <span className={styles.number}>{layer % every === 0 && layer}</span>
        </div>
      ))}
    </div>
  );
}
