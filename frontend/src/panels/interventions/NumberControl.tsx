/** A number with a live slider, and a field for any value beyond it. */

import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  useId,
  useRef,
  useState,
} from "react";
import styles from "./NumberControl.module.css";
import { drawToMark, isUnfinished, placeOf, type Range, readNumber } from "./slider";
import { type Put, useStep } from "./useStep";

/** A pause between key presses that makes the next one a step of its own (milliseconds). */
const PAUSE = 1_000;

interface SliderProps {
  value: number;
  range: Range;
  label: string;
  /** Where a double-click leads back to. */
  neutral: number;
  onPut: Put;
}

export function Slider({ value, range, label, neutral, onPut }: SliderProps) {
  const { begin, put } = useStep(onPut);
  const held = useRef(false);
  const pressed = useRef(Number.NEGATIVE_INFINITY);
  const { min, max, step } = range;
  const [start, silent] = range.marks.map((mark) => placeOf(mark, range));
  const onPointerDown = (event: PointerEvent<HTMLInputElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = true;
    pressed.current = Number.NEGATIVE_INFINITY;
    if (event.pointerType !== "mouse") begin();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const erases = event.key === "Backspace" || event.key === "Delete";
    if (erases || event.timeStamp - pressed.current > PAUSE) begin();
    pressed.current = event.timeStamp;
    if (!erases) return;
    event.preventDefault();
    put(neutral);
  };
  return (
    <input
      type="range"
      className={styles.slider}
      style={{ "--start": start, "--silent": silent } as CSSProperties}
      min={min}
      max={max}
      step={step}
      value={value}
      aria-label={label}
      aria-valuetext={String(value)}
      title={`Double-click or Backspace: back to ${neutral}`}
      onPointerDown={onPointerDown}
      // Both clicks of a double-click are one step; only the mouse event counts clicks.
      onMouseDown={({ detail }) => detail < 2 && begin()}
      onLostPointerCapture={() => {
        held.current = false;
      }}
      onKeyDown={onKeyDown}
      onDoubleClick={() => put(neutral)}
      onChange={({ target }) => {
        const next = Number(target.value);
        put(held.current ? drawToMark(next, range) : next);
      }}
    />
  );
}

interface FieldProps {
  value: number;
  step: number;
  label: string;
  onPut: Put;
}

/** What is typed stays as it is until the field is left; the last readable number is in force. */
export function NumberField({ value, step, label, onPut }: FieldProps) {
  const { begin, put } = useStep(onPut);
  const [typed, setTyped] = useState<string | null>(null);
  const hint = useId();
  const invalid = typed !== null && readNumber(typed) === null;
  const wrong = invalid && !isUnfinished(typed);
  const accept = (text: string) => {
    setTyped(text);
    const next = readNumber(text);
    if (next !== null) put(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      put(Number((value + (event.key === "ArrowUp" ? step : -step)).toPrecision(12)));
    } else if (event.key !== "Escape" || typed === null) return;
    setTyped(null);
    event.preventDefault();
  };
  return (
    <>
      <input
        className={styles.number}
        value={typed ?? value}
        aria-label={label}
        aria-invalid={invalid}
        aria-describedby={wrong ? hint : undefined}
        autoComplete="off"
        spellCheck={false}
        onFocus={begin}
        onChange={(event) => accept(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => setTyped(null)}
      />
      {wrong && (
        <p id={hint} className={styles.problem} role="alert">
          Write a number, such as 1.5 or −2e3.
        </p>
      )}
    </>
  );
}
