/** What the lines are drawn on, and how to read them: parts of the drawing, so that a file has them. */

import type { Axis } from "./axes";
import { type Frame, layerTicks } from "./geometry";
import styles from "./LineChart.module.css";

export function Ground({ frame, axis, states }: { frame: Frame; axis: Axis; states: number }) {
  const { x, y, left, right, top, bottom } = frame;
  return (
    <>
      {Array.from({ length: states / 2 }, (_, layer) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
          key={layer}
          className={styles.ffn}
          x={x(2 * layer)}
          y={top}
          width={x(1) - x(0)}
          height={bottom - top}
        />
      ))}
      {axis.ticks.map(({ share, label }) => (
        <g key={label}>
          <line className={styles.rule} x1={left} x2={right} y1={y(share)} y2={y(share)} />
          <text className={styles.tick} x={left - 6} y={y(share) + 4} textAnchor="end">
            {label}
          </text>
        </g>
      ))}
      {layerTicks(frame, states / 2).map((layer) => (
        <text
          key={layer}
          className={styles.tick}
          x={(x(2 * layer) + x(2 * layer + 1)) / 2}
          y={bottom + 15}
          textAnchor="middle"
        >
          {layer}
        </text>
      ))}
      <text className={styles.tick} x={left - 6} y={bottom + 15} textAnchor="end">
        layer
      </text>
    </>
  );
}

/** Room that an entry of the key takes. */
const ENTRY = 92;

export function Key({
  frame,
  edited,
  measure,
}: {
  frame: Frame;
  edited: boolean;
  measure: string;
}) {
  const y = frame.height - 8;
  const runs = edited ? ["edited", "unedited"] : [];
  const at = (index: number) => frame.left + index * ENTRY;
  return (
    <g>
      {runs.map((run, index) => (
        <g key={run} className={styles.key}>
          <line
            className={run === "edited" ? styles.line : styles.unedited}
            x1={at(index)}
            x2={at(index) + 22}
            y1={y - 4}
            y2={y - 4}
          />
          <text className={styles.tick} x={at(index) + 28} y={y}>
            {run}
          </text>
        </g>
      ))}
      <rect className={styles.ffn} x={at(runs.length)} y={y - 10} width={12} height={12} />
      <text className={styles.tick} x={at(runs.length) + 18} y={y}>
        FFN
      </text>
      <text className={styles.tick} x={frame.right} y={y} textAnchor="end">
        {measure}
      </text>
    </g>
  );
}
