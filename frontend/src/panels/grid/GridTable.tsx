/**
 * Positions × layers. Only what is in sight exists, and the cell that has the keyboard.
 *
 * One cell is in the tab order and arrow keys move on from it, as in a spreadsheet; Enter or a click
 * opens it in Layers.
 */

import type { VirtualItem } from "@tanstack/react-virtual";
import {
  type CSSProperties,
  type KeyboardEvent,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { GridReply } from "@/api/types";
import { TokenText } from "@/components/Token";
import { useWidth } from "@/lib/hooks";
import { type Row, rowsOf } from "./cells";
import { GridLine, type Manner } from "./GridLine";
import styles from "./GridTable.module.css";
import { type Spot, settle, stepSpot } from "./steps";
import { useWindow } from "./useWindow";

interface Props {
  reply: GridReply;
  manner: Manner;
  /** The traced position. */
  traced: number;
  outdated: boolean;
  onSpot(spot: Spot | null): void;
  onOpen(row: Row, position: number): void;
}

/** Few positions share the room, up to this width each. */
const WIDEST = 144;
const HEAD = 28;

/** In pixels: a cell, and the heads beside the rows. */
function useSizes({ reading, withBefore }: Manner, columns: number, room: number) {
  const difference = reading === "difference";
  const side = withBefore ? 84 : 52;
  const share = Math.floor((room - side) / columns);
  const wide = Math.min(Math.max(share, difference ? 112 : 100), WIDEST);
  return { side, wide, tall: difference ? 40 : 24 };
}

/** Where an event took place; null: not in a cell. */
function spotOf(target: EventTarget): Spot | null {
  const cell = target instanceof Element ? target.closest<HTMLElement>("[data-column]") : null;
  if (!cell) return null;
  return { state: Number(cell.dataset.state), column: Number(cell.dataset.column) };
}

export function GridTable({ reply, manner, traced, outdated, onSpot, onOpen }: Props) {
  const { positions } = reply;
  const states = reply.unedited.tokens.length;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(states, manner.withBefore), [states, manner.withBefore]);
  const at = positions.indexOf(traced);
  const [wanted, setWanted] = useState<Spot | null>(null);
  const active = settle(wanted, rows, positions.length, Math.max(at, 0));
  const { side, wide, tall } = useSizes(manner, positions.length, useWidth(scroller));
  const columns = useWindow({
    ...{ scroller, horizontal: true, count: positions.length },
    ...{ size: wide, head: side, kept: active.column },
  });
  const lines = useWindow({
    ...{ scroller, horizontal: false, count: rows.length, size: tall, head: HEAD },
    kept: rows.findIndex((row) => row.state === active.state),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: where it stands at first
  useEffect(() => columns.scrollToIndex(Math.max(at, 0), { align: "center" }), []);
  const walk = useWalk(scroller, active);
  const open = ({ state, column }: Spot) => {
    const row = rows.find((each) => each.state === state);
    const position = positions[column];
    if (row && position !== undefined) onOpen(row, position);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!spotOf(event.target)) return;
    const opens = event.key === "Enter" || event.key === " ";
    const next = stepSpot(event, active, rows, positions.length);
    if (opens) open(active);
    else if (next) walk(() => setWanted(next));
    if (opens || next) event.preventDefault();
  };
  const items = columns.getVirtualItems();
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      data-reading={manner.reading}
      style={
        { "--side": `${side}px`, "--wide": `${wide}px`, "--tall": `${tall}px` } as CSSProperties
      }
    >
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its cells are walked through
        role="grid"
        aria-label="Top token after every layer, at every position"
        aria-rowcount={rows.length + 1}
        aria-colcount={positions.length + 1}
        className={styles.table}
        data-outdated={outdated || undefined}
        data-testid="grid"
        style={{ width: columns.getTotalSize(), height: lines.getTotalSize() }}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          const spot = spotOf(event.target);
          if (spot) open(spot);
        }}
        onFocus={(event) => {
          const spot = spotOf(event.target);
          onSpot(spot);
          if (spot) setWanted(spot);
        }}
        onBlur={() => onSpot(null)}
        onPointerOver={(event) => onSpot(spotOf(event.target))}
        onPointerLeave={() => onSpot(null)}
      >
        <Heads reply={reply} items={items} traced={traced} />
        {/* biome-ignore lint/a11y/noRedundantRoles: display other than table takes it away */}
        <tbody role="rowgroup">
          {lines.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            return (
              row && (
                <GridLine
                  key={row.state}
                  {...{ row, index, items, manner }}
                  top={start}
                  tracedColumn={at < 0 ? null : at}
                  active={row.state === active.state ? active.column : null}
                />
              )
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Moves by one step and takes the keyboard along, once the cell is there. */
function useWalk(scroller: React.RefObject<HTMLElement | null>, { state, column }: Spot) {
  const walking = useRef(false);
  useLayoutEffect(() => {
    if (!walking.current) return;
    walking.current = false;
    const cell = `[data-state="${state}"][data-column="${column}"]`;
    scroller.current?.querySelector<HTMLElement>(cell)?.focus();
  });
  return (step: () => void) => {
    walking.current = true;
    step();
  };
}

interface HeadsProps {
  reply: GridReply;
  items: readonly VirtualItem[];
  traced: number;
}

function Heads({ reply, items, traced }: HeadsProps) {
  return (
    // biome-ignore-start lint/a11y/noRedundantRoles: display other than table takes them away
    <thead role="rowgroup" className={styles.heads}>
      <tr role="row" aria-rowindex={1}>
        <th role="columnheader" scope="col" aria-colindex={1} className={styles.corner}>
          Layer
        </th>
        {items.map(({ index, start }) => {
          const position = reply.positions[index] ?? 0;
          const token = reply.tokens[position];
          return (
            <th
              key={index}
              role="columnheader"
              scope="col"
              aria-colindex={index + 2}
              aria-current={position === traced || undefined}
              className={styles.top}
              style={{ left: start }}
            >
              {token && <TokenText token={token} chip />}
              <sub>{position}</sub>
            </th>
          );
        })}
      </tr>
    </thead>
    // biome-ignore-end lint/a11y/noRedundantRoles: display other than table takes them away
  );
}
