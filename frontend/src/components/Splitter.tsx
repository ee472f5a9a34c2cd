/** The edge between two panels: dragged with the pointer, or moved with the arrow keys. */

import type { KeyboardEvent, PointerEvent } from "react";
import styles from "./Splitter.module.css";

interface Props {
  label: string;
  /** Width in pixels of the panel to the right of the edge. */
  value: number;
  min: number;
  max: number;
  onChange(value: number): void;
}

const STEP = 24;

export function Splitter({ label, value, min, max, onChange }: Props) {
  const move = (next: number) => onChange(Math.round(Math.min(Math.max(next, min), max)));
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const edge = event.currentTarget;
    if (!edge.hasPointerCapture(event.pointerId)) return;
    const right = edge.parentElement?.getBoundingClientRect().right ?? innerWidth;
    move(right - event.clientX);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") move(value + STEP);
    else if (event.key === "ArrowRight") move(value - STEP);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: <hr> is not a focusable window splitter
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation="vertical"
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      className={styles.edge}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    />
  );
}
