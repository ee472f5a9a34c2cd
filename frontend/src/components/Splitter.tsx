/** The edge between two panels: dragged with the pointer, or moved with the arrow keys. */

import type { KeyboardEvent, PointerEvent } from "react";
import styles from "./Splitter.module.css";

interface Props {
  label: string;
  /** Between panels side by side, or one above the other. */
  between?: "columns" | "rows";
  /** Size in pixels of the panel to the right of the edge, or below it. */
  value: number;
  min: number;
  max: number;
  onChange(value: number): void;
}

const STEP = 24;

export function Splitter({ label, between = "columns", value, min, max, onChange }: Props) {
  const columns = between === "columns";
  const move = (next: number) => onChange(Math.round(Math.min(Math.max(next, min), max)));
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const edge = event.currentTarget;
    if (!edge.hasPointerCapture(event.pointerId)) return;
    const box = edge.parentElement?.getBoundingClientRect();
    if (box) move(columns ? box.right - event.clientX : box.bottom - event.clientY);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === (columns ? "ArrowLeft" : "ArrowUp")) move(value + STEP);
    else if (event.key === (columns ? "ArrowRight" : "ArrowDown")) move(value - STEP);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: <hr> is not a focusable window splitter
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={columns ? "vertical" : "horizontal"}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      className={columns ? styles.edge : `${styles.edge} ${styles.level}`}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    />
  );
}
