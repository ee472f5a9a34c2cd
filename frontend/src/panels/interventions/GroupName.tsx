/** The name of a group, changed in place: Enter or leaving keeps it, Escape does not. */

import { type KeyboardEvent, useRef, useState } from "react";
import { useGroupsUi } from "@/state/groupsUi";
import type { Group } from "@/state/interventions";
import { cleanName, MAX_NAME } from "@/state/names";
import { useSession } from "@/state/session";
import styles from "./GroupBox.module.css";

export function GroupName({ group }: { group: Group }) {
  const renaming = useGroupsUi((state) => state.renaming === group.id);
  const button = useRef<HTMLButtonElement>(null);
  if (renaming) return <NameBox group={group} onDone={() => button.current?.focus()} />;
  return (
    <button
      ref={button}
      type="button"
      className={styles.name}
      title={`${group.name}: click to rename`}
      onClick={() => useGroupsUi.setState({ renaming: group.id })}
    >
      <bdi>{group.name}</bdi>
    </button>
  );
}

function NameBox({ group, onDone }: { group: Group; onDone(): void }) {
  const [typed, setTyped] = useState(group.name);
  const close = () => {
    useGroupsUi.setState({ renaming: null });
    requestAnimationFrame(onDone);
  };
  const keep = () => {
    const name = cleanName(typed);
    if (name !== "" && name !== group.name)
      useSession.getState().change({ type: "updateGroup", id: group.id, patch: { name } });
    useGroupsUi.setState({ renaming: null });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      keep();
      requestAnimationFrame(onDone);
    }
  };
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: it appears because somebody asked to type a name
      autoFocus
      className={styles.rename}
      value={typed}
      maxLength={MAX_NAME}
      aria-label={`Name of the group ${group.name}`}
      dir="auto"
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => setTyped(event.target.value)}
      onFocus={(event) => event.target.select()}
      onKeyDown={onKeyDown}
      onBlur={keep}
    />
  );
}
