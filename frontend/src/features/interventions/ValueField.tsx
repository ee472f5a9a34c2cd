/** The number of a `scale`, `set` or `add` intervention: a slider, and a field for any other value. */

import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  useId,
  useRef,
  useState,
} from "react";
import { valueKey } from "@/lib/values";
import { type Intervention, neutralValue } from "@/state/interventions";
import { drawToMark, isUnfinished, placeOf, type Range, rangeOf, readNumber } from "./slider";
import { useStep } from "./useStep";
import styles from "./ValueField.module.css";

const WORDS: Record<string, string> = { set: "set to", scale: "scale by", add: "add" };
/** A pause between key presses that makes the next one a step of its own (milliseconds). */
const PAUSE = 1_000;

interface Props {
  item: Intervention;
  /** The vector's coefficient in the unedited run, where it is known. */
  unedited: number | null;
}

export function ValueField({ item, unedited }: Props) {
  const range = rangeOf(item.kind, unedited);
  const label = `${valueKey(item)}: ${WORDS[item.kind]}`;
  const neutral = neutralValue(item.kind, unedited);
  return (
    <>
      <Slider item={item} range={range} label={label} neutral={neutral} />
      <NumberField key={item.kind} item={item} step={range.step} label={label} />
    </>
  );
}

interface SliderProps {
  item: Intervention;
  range: Range;
  label: string;
  neutral: number;
}

function Slider({ item, range, label, neutral }: SliderProps) {
  const { begin, put } = useStep(item);
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
      value={item.value}
      aria-label={label}
      aria-valuetext={String(item.value)}
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
        const value = Number(target.value);
        put(held.current ? drawToMark(value, range) : value);
      }}
    />
  );
}

/** What is typed stays as it is until the field is left; the last readable number is in force. */
function NumberField({ item, step, label }: { item: Intervention; step: number; label: string }) {
  const { begin, put } = useStep(item);
  const [typed, setTyped] = useState<string | null>(null);
  const hint = useId();
  const invalid = typed !== null && readNumber(typed) === null;
  const wrong = invalid && !isUnfinished(typed);
  const accept = (text: string) => {
    setTyped(text);
    const value = readNumber(text);
    if (value !== null) put(value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      put(Number((item.value + (event.key === "ArrowUp" ? step : -step)).toPrecision(12)));
    } else if (event.key !== "Escape" || typed === null) return;
    setTyped(null);
    event.preventDefault();
  };
  return (
    <>
      <input
        className={styles.number}
        value={typed ?? item.value}
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
