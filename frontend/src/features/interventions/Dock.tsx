/** The foot of the page: the interventions, and beside them the prediction that they change. */

import { ChevronDown, ChevronUp, Redo2, Undo2 } from "lucide-react";
import { Button, IconButton } from "@/components/Button";
import { valueKey } from "@/lib/values";
import { usePrefs } from "@/state/prefs";
import { interventionsOf, useSession } from "@/state/session";
import { AddVector } from "./AddVector";
import { Card } from "./Card";
import styles from "./Dock.module.css";
import { FinalPrediction } from "./FinalPrediction";

export function Dock() {
  const open = usePrefs((state) => state.dockOpen);
  return (
    <div className={styles.dock} data-open={open || undefined}>
      <Interventions />
      <FinalPrediction />
    </div>
  );
}

function Interventions() {
  const list = useSession(interventionsOf);
  const canUndo = useSession((state) => state.history.past.length > 0);
  const canRedo = useSession((state) => state.history.future.length > 0);
  const open = usePrefs((state) => state.dockOpen);
  const { undo, redo, change } = useSession.getState();
  return (
    <section className={styles.panel} aria-label="Interventions" data-testid="interventions">
      <header className={styles.head}>
        <h2>Interventions</h2>
        {list.length > 0 && <span className={styles.count}>{list.length}</span>}
        <AddVector />
        <div className={styles.tools}>
          <IconButton label="Undo" keys="mod+z" disabled={!canUndo} onClick={undo}>
            <Undo2 aria-hidden />
          </IconButton>
          <IconButton label="Redo" keys="mod+shift+z" disabled={!canRedo} onClick={redo}>
            <Redo2 aria-hidden />
          </IconButton>
          <Button
            look="quiet"
            disabled={list.length === 0}
            onClick={() => change({ type: "replace", list: [] })}
          >
            Undo all
          </Button>
          <IconButton
            label={open ? "Fold the interventions" : "Unfold the interventions"}
            aria-expanded={open}
            onClick={() => usePrefs.getState().set({ dockOpen: !open })}
          >
            {open ? <ChevronDown aria-hidden /> : <ChevronUp aria-hidden />}
          </IconButton>
        </div>
      </header>
      {!open ? null : list.length === 0 ? (
        <p className={styles.empty}>
          Nothing is changed. Type a vector such as <code>L2D34</code> above, or send a sub-update
          here with its arrow: it is suppressed until you switch it on.
        </p>
      ) : (
        <ul className={styles.cards} aria-label="Changed value vectors">
          {list.map((item) => (
            <Card key={valueKey(item)} item={item} />
          ))}
        </ul>
      )}
    </section>
  );
}
