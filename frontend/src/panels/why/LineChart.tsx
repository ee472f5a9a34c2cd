/**
 * Lines through the 2 L states, drawn to the width there is. What the FFNs do is shaded.
 *
 * It is a slider over the states for whoever has no eyes on it: its value is read out in words.
 */

import { type KeyboardEvent, type PointerEvent, type Ref, useMemo, useRef } from "react";
import { markPath, seriesColour } from "@/components/tokens/marks";
import { useWidth } from "@/lib/hooks";
import type { Axis } from "./axes";
import { Ground, Key } from "./ChartGround";
import { type Frame, frameOf, markSteps, pathOf, stateAt } from "./geometry";
import styles from "./LineChart.module.css";
import { type Line, shortText, spread } from "./lines";

interface Props {
  lines: readonly Line[];
  axis: Axis;
  /** 2 L. */
  states: number;
  cursor: number;
  /** What the cursor reads, in words. */
  reading: string;
  label: string;
  measure: string;
  outdated: boolean;
  svg: Ref<SVGSVGElement>;
  onCursor(state: number): void;
  onOpen(state: number): void;
}

const LABEL_GAP = 13;

export function LineChart({ lines, axis, states, cursor, onCursor, onOpen, ...rest }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const frame = useMemo(() => frameOf(width, states), [width, states]);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = stepState(event.key, cursor, states);
    if (event.key === "Enter") onOpen(cursor);
    else if (next !== null) onCursor(next);
    else return;
    event.preventDefault();
  };
  const point = (event: PointerEvent<HTMLElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    onCursor(stateAt(frame, x));
  };
  return (
    <div
      ref={place}
      className={styles.place}
      role="slider"
      tabIndex={0}
      aria-label={rest.label}
      aria-valuemin={0}
      aria-valuemax={states - 1}
      aria-valuenow={cursor}
      aria-valuetext={rest.reading}
      data-outdated={rest.outdated || undefined}
      data-testid="lines"
      onKeyDown={onKeyDown}
      onPointerMove={point}
      onPointerDown={point}
      onDoubleClick={() => onOpen(cursor)}
    >
      {width > 0 && (
        <svg
          ref={rest.svg}
          className={styles.chart}
          width={frame.width}
          height={frame.height}
          viewBox={`0 0 ${frame.width} ${frame.height}`}
          aria-hidden
        >
          <Ground frame={frame} axis={axis} states={states} />
          <Drawing frame={frame} axis={axis} lines={lines} />
          <Key frame={frame} edited={lines.some((line) => line.edited)} measure={rest.measure} />
          <Cursor frame={frame} axis={axis} lines={lines} state={cursor} />
        </svg>
      )}
    </div>
  );
}

function stepState(key: string, state: number, states: number): number | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return Math.max(state - 1, 0);
    case "ArrowRight":
    case "ArrowUp":
      return Math.min(state + 1, states - 1);
    case "PageDown":
      return Math.max(state - 8, 0);
    case "PageUp":
      return Math.min(state + 8, states - 1);
    case "Home":
      return 0;
    case "End":
      return states - 1;
    default:
      return null;
  }
}

interface DrawingProps {
  frame: Frame;
  axis: Axis;
  lines: readonly Line[];
}

function Drawing({ frame, axis, lines }: DrawingProps) {
  const steps = markSteps(frame);
  const main = (line: Line) => line.edited ?? line.unedited;
  const ends = spread(
    lines.map((line) => frame.y(axis.share(main(line).at(-1) ?? 0))),
    LABEL_GAP,
    frame.top + 4,
    frame.bottom,
  );
  return lines.map((line, order) => {
    const { token, index, letter, unedited, edited } = line;
    const colour = seriesColour(index);
    const marks = steps.map((state) =>
      markPath(index, frame.x(state), frame.y(axis.share(main(line)[state] ?? 0)), 3),
    );
    return (
      <g key={token.id} style={{ color: colour }}>
        {edited && <path className={styles.unedited} d={pathOf(frame, axis, unedited)} />}
        <path className={styles.line} d={pathOf(frame, axis, main(line))} />
        <path className={styles.mark} d={marks.join("")} />
        <text className={styles.letter} x={frame.right + 7} y={(ends[order] ?? 0) + 4}>
          {letter}
          {frame.named && <tspan className={styles.name}> {shortText(token)}</tspan>}
        </text>
      </g>
    );
  });
}

function Cursor({ frame, axis, lines, state }: DrawingProps & { state: number }) {
  const x = frame.x(state);
  return (
    <g data-cursor>
      <line className={styles.cursor} x1={x} x2={x} y1={frame.top} y2={frame.bottom} />
      {lines.map(({ token, index, unedited, edited }) => (
        <g key={token.id} style={{ color: seriesColour(index) }}>
          {edited && (
            <circle
              className={styles.hollow}
              cx={x}
              cy={frame.y(axis.share(unedited[state] ?? 0))}
              r={3.5}
            />
          )}
          <circle
            className={styles.dot}
            cx={x}
            cy={frame.y(axis.share((edited ?? unedited)[state] ?? 0))}
            r={4}
          />
        </g>
      ))}
    </g>
  );
}
