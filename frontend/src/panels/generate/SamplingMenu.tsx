/** Beside Generate: the likeliest token at every step, or drawn by chance with a seed. */

import * as Dialog from "@radix-ui/react-dialog";
import { Dices, SlidersHorizontal } from "lucide-react";
import { useId, useState } from "react";
import { IconButton, Tip } from "@/components/Button";
import { Segmented } from "@/components/Segmented";
import { focusDialog } from "@/lib/focus";
import { usePrefs } from "@/state/prefs";
import {
  checkField,
  describeSampling,
  type Field,
  newSeed,
  type SamplingChoice,
  samplingForWire,
} from "@/state/sampling";
import styles from "./SamplingMenu.module.css";

const WAYS = [
  { value: "greedy", label: "Greedy" },
  { value: "sample", label: "Sample" },
] as const;

const change = (part: Partial<SamplingChoice>) => {
  const { sampling, set } = usePrefs.getState();
  set({ sampling: { ...sampling, ...part } });
};

/** Not modal: what is generated can be watched while the settings stand beside it. */
export function SamplingMenu() {
  const sampling = usePrefs((state) => state.sampling);
  const words = describeSampling(samplingForWire(sampling));
  return (
    <Dialog.Root modal={false}>
      <Tip label={`How tokens are chosen: ${words}`}>
        <Dialog.Trigger className={styles.trigger} aria-label={`How tokens are chosen: ${words}`}>
          <SlidersHorizontal aria-hidden />
          <span aria-hidden>{sampling.sample ? "sample" : "greedy"}</span>
        </Dialog.Trigger>
      </Tip>
      <Dialog.Content
        className={styles.popover}
        aria-describedby={undefined}
        onOpenAutoFocus={focusDialog}
      >
        <Dialog.Title className={styles.title}>How tokens are chosen</Dialog.Title>
        <Segmented
          label="How tokens are chosen"
          value={sampling.sample ? "sample" : "greedy"}
          options={WAYS}
          onChange={(way) => change({ sample: way === "sample" })}
        />
        {sampling.sample ? (
          <Fields />
        ) : (
          <p className={styles.note}>The likeliest token at every step: always the same text.</p>
        )}
      </Dialog.Content>
    </Dialog.Root>
  );
}

function Fields() {
  return (
    <>
      <NumberField field="temperature" label="Temperature" />
      <NumberField field="topP" label="Top-p" />
      <NumberField field="seed" label="Seed">
        <IconButton label="New seed" onClick={() => change({ seed: newSeed() })}>
          <Dices aria-hidden />
        </IconButton>
      </NumberField>
      <p className={styles.note}>
        Drawn by chance. The same seed gives the same text on the same machine, in both runs.
      </p>
    </>
  );
}

interface FieldProps {
  field: Field;
  label: string;
  children?: React.ReactNode;
}

/** What is typed stays as it is; until it can be used, the number before it is. */
function NumberField({ field, label, children }: FieldProps) {
  const value = usePrefs((state) => state.sampling[field]);
  const [typing, setTyping] = useState<{ text: string; value: number } | null>(null);
  const hint = useId();
  // A number from elsewhere (the button that makes a seed) takes the place of what was typed.
  const typed = typing?.value === value ? typing.text : null;
  const problem = typed === null ? null : checkField(field, typed).problem;
  const accept = (text: string) => {
    const checked = checkField(field, text);
    setTyping({ text, value: checked.value ?? value });
    if (checked.problem === null) change({ [field]: checked.value });
  };
  return (
    <div className={styles.field}>
      <label>
        {label}
        <input
          inputMode="decimal"
          value={typed ?? value}
          aria-invalid={problem !== null}
          aria-describedby={problem ? hint : undefined}
          autoComplete="off"
          onChange={(event) => accept(event.target.value)}
          onBlur={() => problem === null && setTyping(null)}
        />
      </label>
      {children}
      {problem && (
        <p id={hint} className={styles.problem} role="alert">
          {problem} Until then {value} is used.
        </p>
      )}
    </div>
  );
}
