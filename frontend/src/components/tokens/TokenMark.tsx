/** The sign by which a followed token is known in chips, lines and tables: shape, colour, letter. */

import { letterOf } from "@/state/followed";
import { markPath, seriesColour } from "./marks";
import styles from "./TokenMark.module.css";

export function TokenMark({ index }: { index: number }) {
  return (
    <span className={styles.mark} style={{ color: seriesColour(index) }}>
      <svg viewBox="-6 -6 12 12" aria-hidden>
        <path d={markPath(index, 0, 0, 4)} />
      </svg>
      {letterOf(index)}
    </span>
  );
}
