/** The cards of what is changed, their groups, and what is done with all of them. */

import { ChevronDown, ChevronUp, Redo2, Undo2 } from "lucide-react";
import { Button, IconButton } from "@/components/Button";
import { useGroupsUi } from "@/state/groupsUi";
import { cardsOf, type Edits } from "@/state/interventions";
import { usePrefs } from "@/state/prefs";
import { editsOf, useSession } from "@/state/session";
import { AddGroup } from "./AddGroup";
import { AddVector } from "./AddVector";
import { CardList } from "./CardList";
import { GroupBox } from "./GroupBox";
import styles from "./Interventions.module.css";
import { useDrop } from "./useDrop";

export function Interventions() {
  const edits = useSession(editsOf);
  const open = usePrefs((state) => state.dockOpen);
  const count = edits.interventions.length;
  return (
    <section
      className={styles.panel}
      aria-label="Interventions"
      data-open={open || undefined}
      data-testid="interventions"
    >
      <header className={styles.head}>
        <h2>Interventions</h2>
        {count > 0 && <span className={styles.count}>{count}</span>}
        <div className={styles.adding}>
          <AddVector />
          <AddGroup />
        </div>
        <Tools open={open} empty={count + edits.groups.length === 0} />
      </header>
      {!open ? null : count + edits.groups.length === 0 ? (
        <p className={styles.empty}>
          Nothing is changed. Type a vector such as <code>L2D34</code> above, or send a sub-update
          here with its arrow: it is suppressed until you switch it on.
        </p>
      ) : (
        <Cards edits={edits} />
      )}
      <Said />
    </section>
  );
}

function Tools({ open, empty }: { open: boolean; empty: boolean }) {
  const canUndo = useSession((state) => state.history.past.length > 0);
  const canRedo = useSession((state) => state.history.future.length > 0);
  const { undo, redo, change } = useSession.getState();
  return (
    <div className={styles.tools}>
      <IconButton label="Undo" keys="mod+z" disabled={!canUndo} onClick={undo}>
        <Undo2 aria-hidden />
      </IconButton>
      <IconButton label="Redo" keys="mod+shift+z" disabled={!canRedo} onClick={redo}>
        <Redo2 aria-hidden />
      </IconButton>
      <Button look="quiet" disabled={empty} onClick={() => change({ type: "replace", list: [] })}>
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
  );
}

/** Those in no group first, then the groups in their order. */
function Cards({ edits }: { edits: Edits }) {
  const loose = cardsOf(edits, null);
  const drop = useDrop(null, loose);
  const dragging = useGroupsUi((state) => state.dragged !== null);
  return (
    <div className={styles.cards}>
      {(loose.length > 0 || dragging) && (
        <CardList cards={loose} label="Changed value vectors" drop={drop}>
          {loose.length === 0 && <li className={styles.loose}>Drop here: in no group</li>}
        </CardList>
      )}
      {edits.groups.map((group) => (
        <GroupBox key={group.id} group={group} cards={cardsOf(edits, group.id)} />
      ))}
    </div>
  );
}

function Said() {
  const said = useGroupsUi((state) => state.said);
  return (
    <p className="visually-hidden" role="status">
      {said}
    </p>
  );
}
