/** First visit: one sentence on what to do next, and the next thing to press marked. */

import { useEffect } from "react";
import { Button } from "@/components/Button";
import { sameValue } from "@/lib/values";
import { usePrefs } from "@/state/prefs";
import { interventionsOf, type SessionState, useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./Guide.module.css";

type Step = "select" | "add" | "switch" | "watch";

const SENTENCES: Record<Step, string> = {
  select:
    "Each layer reads from left to right: the prediction before its feed-forward network, the sub-updates that dominate it, the prediction after. Choose a sub-update to see what it promotes.",
  add: "Its details show the tokens that this value vector promotes and suppresses. Send it to Interventions.",
  switch:
    "It is suppressed now, and the prompt was traced again. Flip its switch to boost it instead.",
  watch:
    "Final prediction, below, has both runs side by side. Generate shows what each of them would write.",
};

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
      <p>{SENTENCES[step]}</p>
      <Button look="quiet" onClick={() => usePrefs.getState().set({ guided: true })}>
        Got it
      </Button>
    </aside>
  );
}
