/** The `L12D34` box: adds a value vector to the interventions, or says which ones there are. */

import { Plus } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { Button } from "@/components/Button";
import { useNarrow } from "@/lib/hooks";
import { ADD_ID } from "@/lib/ids";
import { checkValue } from "@/lib/values";
import { useReadyModel } from "@/state/model";
import { useSession } from "@/state/session";
import styles from "./AddVector.module.css";

export function AddVector() {
  const model = useReadyModel();
  const narrow = useNarrow();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const hint = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!model) return;
    const checked = checkValue(text, model);
    setProblem(checked.problem);
    if (!checked.ref) return;
    const { change, select } = useSession.getState();
    change({ type: "add", ref: checked.ref });
    // On a narrow screen details would cover the card that has just appeared.
    if (!narrow) select(checked.ref);
    setText("");
  };
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <input
        id={ADD_ID}
        className={styles.box}
        value={text}
        placeholder="L12D34"
        aria-label="Value vector to change, such as L12D34"
        aria-invalid={problem !== null}
        aria-describedby={problem ? hint : undefined}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value);
          setProblem(null);
        }}
      />
      <Button type="submit" disabled={!model || text.trim() === ""}>
        <Plus aria-hidden /> <span className={styles.word}>Add</span>
      </Button>
      {problem && (
        <p id={hint} className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}
