/** One row of the grid: a state of the residual at all positions in sight. */

import type { VirtualItem } from "@tanstack/react-virtual";
import { type CSSProperties, memo } from "react";
import { TokenText } from "@/components/Token";
import type { Reading } from "@/state/session";
import { type Cell, describeCell, lookOf, type Measure, type Row } from "./cells";
import styles from "./GridTable.module.css";

/** How all cells of the grid are shown. */
export interface Manner {
  cellAt(state: number, column: number): Cell;
  reading: Reading;
  measure: Measure;
  full: number;
  withBefore: boolean;
}

interface Props {
  row: Row;
  index: number;
  top: number;
  items: readonly VirtualItem[];
  manner: Manner;
  tracedColumn: number | null;
  /** The column of the cell that Tab reaches, if it is in this row. */
  active: number | null;
}

export const GridLine = memo(function GridLine(props: Props) {
  const { row, index, items, manner, active, tracedColumn } = props;
  const { withBefore } = manner;
  return (
    // biome-ignore-start lint/a11y/noRedundantRoles: display other than table takes them away
    <tr role="row" aria-rowindex={index + 2} className={styles.line} style={{ top: props.top }}>
      <th role="rowheader" scope="row" aria-colindex={1} className={styles.side}>
        <span className={withBefore && row.place === "after" ? styles.again : undefined}>
          {row.layer}
        </span>
        <small className={withBefore ? undefined : "visually-hidden"}>{row.place}</small>
      </th>
      {items.map(({ index: column, start }) => (
        <GridCell
          key={column}
          cell={manner.cellAt(row.state, column)}
          reading={manner.reading}
          measure={manner.measure}
          full={manner.full}
          state={row.state}
          column={column}
          left={start}
          active={column === active}
          traced={column === tracedColumn}
        />
      ))}
    </tr>
    // biome-ignore-end lint/a11y/noRedundantRoles: display other than table takes them away
  );
});

interface CellProps {
  cell: Cell;
  reading: Reading;
  measure: Measure;
  full: number;
  state: number;
  column: number;
  left: number;
  active: boolean;
  traced: boolean;
}

/** Hundreds are in sight: each is drawn anew only when something of its own has changed. */
const GridCell = memo(function GridCell(props: CellProps) {
  const { cell, reading, measure, full, column } = props;
  const { token, was, number, share } = lookOf(cell, reading, measure, full);
  return (
    <td
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: cells are walked to
      role="gridcell"
      aria-colindex={column + 2}
      aria-label={describeCell(cell, reading)}
      tabIndex={props.active ? 0 : -1}
      className={styles.cell}
      style={{ left: props.left, "--share": share } as CSSProperties}
      data-state={props.state}
      data-column={column}
      data-traced={props.traced || undefined}
    >
      {was && (
        <span className={styles.was}>
          <TokenText token={was} />
        </span>
      )}
      <span className={styles.token}>
        {was && (
          <span className={styles.differs} aria-hidden>
            ≠{" "}
          </span>
        )}
        <TokenText token={token} />
      </span>
      <span className={styles.number}>{number}</span>
    </td>
  );
});
