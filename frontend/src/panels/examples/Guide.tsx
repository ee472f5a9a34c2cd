/** First visit: one sentence on what to do next, and the next thing to press marked. */

import { useEffect } from "react";
import { Button } from "@/components/Button";
import { sameValue } from "@/lib/values";
import { useModel } from "@/state/model";
import { usePrefs } from "@/state/prefs";
import { interventionsOf, type SessionState, useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./Guide.module.css";

type Step = "select" | "add" | "switch" | "watch";

const WITHOUT = "without its feed-forward network’s part";
const BEFORE = "before its feed-forward network";

const SENTENCES: Record<Exclude<Step, "select">, string> = {
  add: "Its details show the tokens that this value vector promotes and suppresses. Send it to Interventions.",
  switch:
    "It is suppressed now, and the prompt was traced again. Flip its switch to boost it instead.",
  watch:
    "Final prediction, below, has both runs side by side. Generate shows what each of them would write.",
};

/** A parallel block has no state before its FFN (rule 21). */
const sentenceOf = (step: Step, parallel: boolean): string =>
  step === "select"
    ? `Each layer reads from left to right: the prediction ${parallel ? WITHOUT : BEFORE}, the sub-updates that dominate it, the prediction after. Choose a sub-update to see what it promotes.`
    : SENTENCES[step];

function stepOf(state: SessionState): Step {
  const list = interventionsOf(state);
  if (list.some((item) => item.kind !== "off")) return "watch";
  if (list.length > 0) return "switch";
  return state.selection && !list.some((item) => sameValue(item, state.selection))
    ? "add"
    : "select";
}

export function Guide() {
  const guided = usePrefs((state) => state.guided);
  const traced = useTrace().reply !== null;
  const step = useSession(stepOf);
  const parallel = useModel()?.parallel === true;
  const shown = !guided && traced;
  useEffect(() => {
    if (!shown) return;
    // The style sheet marks the element that belongs to this step.
    document.body.dataset.guide = step;
    return () => {
      delete document.body.dataset.guide;
    };
  }, [shown, step]);
  if (!shown) return null;
  return (
    <aside className={styles.guide} aria-label="Guidance">
      <p>{sentenceOf(step, parallel)}</p>
      <Button look="quiet" onClick={() => usePrefs.getState().set({ guided: true })}>
        Got it
      </Button>
    </aside>
  );
}
