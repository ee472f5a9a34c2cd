/** The number of a `scale`, `set` or `add` intervention. */

import { useState } from "react";
import { valueKey } from "@/lib/values";
import { type Intervention, neutralValue } from "@/state/interventions";
import { useSession } from "@/state/session";
import { NumberField, Slider } from "./NumberControl";
import { rangeOf } from "./slider";

const WORDS: Record<string, string> = { set: "set to", scale: "scale by", add: "add" };

interface Props {
  item: Intervention;
  /** The vector's coefficient in the unedited run, where it is known. */
  unedited: number | null;
}

export function ValueField({ item, unedited }: Props) {
  const { kind, value } = item;
  const neutral = neutralValue(kind, unedited);
  const away = Math.abs(value - neutral);
  // It only grows, or the slider would change under the pointer.
  const [furthest, setFurthest] = useState(away);
  if (away > furthest) setFurthest(away);
  const range = rangeOf(kind, unedited, furthest);
  const onPut = (next: number, stream: string) =>
    useSession.getState().change({ type: "update", ref: item, patch: { value: next } }, stream);
  const common = { value, label: `${valueKey(item)}: ${WORDS[kind]}`, onPut };
  return (
    <>
      <Slider {...common} range={range} neutral={neutral} />
      <NumberField key={kind} {...common} step={range.step} />
    </>
  );
}
