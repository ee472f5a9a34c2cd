/** The name of a value vector, changed in place: Enter keeps it, Escape does not. */

import { Pencil } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { Button, IconButton } from "@/components/Button";
import { ValueLabel } from "@/components/ValueLabel";
import { type ValueRef, valueKey } from "@/lib/values";
import { useCommands } from "@/state/commands";
import { useValueName } from "@/state/model";
import { MAX_NAME, useNames } from "@/state/names";
import styles from "./NameEditor.module.css";

export function NameEditor({ value, model }: { value: ValueRef; model: string | null }) {
  const name = useValueName(value);
  const key = valueKey(value);
  const [typed, setTyped] = useState<string | null>(null);
  const again = useRef<HTMLButtonElement>(null);
  const open = () => setTyped(name ?? "");
  useCommands(() => [
    {
      id: "rename",
      group: "Actions",
      title: "Rename the selected vector",
      words: "Value vectors",
      run: open,
    },
  ]);
  const close = () => {
    setTyped(null);
    requestAnimationFrame(() => again.current?.focus());
  };
  const save = () => {
    if (model !== null && typed !== null) useNames.getState().rename(model, value, typed);
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      // The field is closed, not the details around it.
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) save();
  };
  if (typed === null)
    return (
      <div className={styles.line}>
        <p className={styles.name} data-testid="details-title">
          <ValueLabel value={value} both />
        </p>
        <IconButton ref={again} label="Rename" keys="n" onClick={open}>
          <Pencil aria-hidden />
        </IconButton>
      </div>
    );
  return (
    <div className={styles.line}>
      <input
        // biome-ignore lint/a11y/noAutofocus: it appears because its button was pressed
        autoFocus
        className={styles.input}
        value={typed}
        maxLength={MAX_NAME}
        placeholder={key}
        aria-label={`Name of ${key}`}
        dir="auto"
        onChange={(event) => setTyped(event.target.value)}
        onFocus={(event) => event.target.select()}
        onKeyDown={onKeyDown}
      />
      <Button look="primary" onClick={save}>
        Save
      </Button>
      <Button look="quiet" onClick={close}>
        Cancel
      </Button>
    </div>
  );
}
