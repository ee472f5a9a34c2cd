/** The box that leads to a vector, by `L12D34` or by the name it was given. */

import { type FormEvent, useId, useState } from "react";
import type { ReadyModel } from "@/api/queries";
import { Button } from "@/components/Button";
import { checkValue, parseValue } from "@/lib/values";
import { namesOf, useNames } from "@/state/names";
import { follow } from "@/state/sync";
import { valuePath } from "@/state/url";
import styles from "./GoTo.module.css";

export function GoTo({ model }: { model: ReadyModel }) {
  const names = useNames((state) => namesOf(state, model.id));
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const list = useId();
  const hint = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.trim().toLowerCase();
    const named = Object.entries(names).find(([, name]) => name.toLowerCase() === wanted)?.[0];
    const checked = checkValue(named ?? text, model);
    setProblem(
      parseValue(text) || named
        ? checked.problem
        : `Nothing is called that. ${checked.problem ?? ""}`,
    );
    if (!checked.ref) return;
    follow(valuePath(checked.ref));
    setText("");
  };
  return (
    <form className={styles.goto} onSubmit={submit}>
      <input
        value={text}
        list={list}
        placeholder="L12D34 or a name"
        aria-label="Go to a value vector, such as L12D34, or to a name"
        aria-invalid={problem !== null}
        aria-describedby={problem ? hint : undefined}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value);
          setProblem(null);
        }}
      />
      <datalist id={list}>
        {Object.entries(names).map(([key, name]) => (
          <option key={key} value={name}>
            {key}
          </option>
        ))}
      </datalist>
      <Button type="submit" disabled={text.trim() === ""}>
        Go
      </Button>
      {problem && (
        <p id={hint} role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
