/** The number of a `scale`, `set` or `add` intervention. */

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
  const range = rangeOf(kind, unedited);
  const onPut = (next: number, stream: string) =>
    useSession.getState().change({ type: "update", ref: item, patch: { value: next } }, stream);
  const common = { value, label: `${valueKey(item)}: ${WORDS[kind]}`, onPut };
  return (
    <>
      <Slider {...common} range={range} neutral={neutralValue(kind, unedited)} />
      <NumberField key={kind} {...common} step={range.step} />
    </>
  );
}
