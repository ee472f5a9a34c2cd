/** Both continuations side by side. They stay apart from the prompt until somebody asks. */

import { X } from "lucide-react";
import { IconButton } from "@/components/Button";
import { forWire } from "@/state/codec";
import { firstDifference, isRunning, type Side, useGeneration } from "@/state/generation";
import { useReadyModel } from "@/state/model";
import { editsOf, useSession } from "@/state/session";
import styles from "./GenerateResult.module.css";
import { RunColumn } from "./RunColumn";
import { SaveMenu } from "./SaveMenu";

/** Whether the interventions, or the model, are others than those that the text was made with. */
function useOverhauled(): boolean {
  const model = useReadyModel();
  const question = useGeneration((state) => state.question);
  const edits = useSession(editsOf);
  if (!question || !model) return false;
  return (
    question.model !== model.id ||
    JSON.stringify(question.interventions) !== JSON.stringify(forWire(edits, model))
  );
}

export function GenerateResult() {
  const { question, runs, clear } = useGeneration();
  const running = useGeneration(isRunning);
  const old = useOverhauled();
  if (!question) return null;
  const { unedited, edited } = runs;
  const parts = unedited && edited ? firstDifference(unedited, edited) : null;
  const compared =
    !edited || running
      ? null
      : parts === null
        ? "the same text as unedited"
        : `differs from token ${parts} on`;
  const noteOf = (side: Side) =>
    old ? "made before the last change" : side === "edited" && compared;
  return (
    <section className={styles.panel} aria-label="Generated text" data-testid="generated">
      {unedited && (
        <RunColumn
          side="unedited"
          {...{ question, parts }}
          run={unedited}
          note={noteOf("unedited")}
        />
      )}
      {edited && (
        <RunColumn side="edited" {...{ question, parts }} run={edited} note={noteOf("edited")} />
      )}
      <div className={styles.tools}>
        <SaveMenu />
        <IconButton label="Close generated text" onClick={clear}>
          <X aria-hidden />
        </IconButton>
      </div>
      <p role="status" className="visually-hidden">
        {!running &&
          ["Generating has ended", compared && `the edited text: ${compared}`]
            .filter(Boolean)
            .join("; ")}
      </p>
    </section>
  );
}
