/** New groups, and those that were saved for this model. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Boxes, ChevronDown, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { MAX_GROUPS } from "@/state/edits";
import { addGroup, useGroupsUi } from "@/state/groupsUi";
import { cardsOf } from "@/state/interventions";
import { useModel } from "@/state/model";
import { editsOf, useSession } from "@/state/session";
import styles from "./AddGroup.module.css";
import { deleteSaved, loadGroup } from "./actions";
import { savedGroups } from "./saved";

export function AddGroup() {
  const model = useModel()?.id ?? null;
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <Button className={styles.trigger}>
          <Boxes aria-hidden /> Group <ChevronDown aria-hidden />
        </Button>
      </Menu.Trigger>
      <MenuContent
        align="start"
        side="top"
        onCloseAutoFocus={(event) => {
          if (useGroupsUi.getState().renaming !== null) event.preventDefault();
        }}
      >
        <NewGroups />
        {model !== null && <Saved model={model} />}
      </MenuContent>
    </Menu.Root>
  );
}

function NewGroups() {
  const edits = useSession(editsOf);
  const loose = cardsOf(edits, null);
  const full = edits.groups.length >= MAX_GROUPS;
  return (
    <Menu.Group>
      <Menu.Item className={menu.item} disabled={full} onSelect={() => addGroup([])}>
        <span className={menu.main}>
          New group
          {full && <small>{MAX_GROUPS} are as many as there can be</small>}
        </span>
      </Menu.Item>
      {loose.length > 0 && (
        <Menu.Item className={menu.item} disabled={full} onSelect={() => addGroup(loose)}>
          <span className={menu.main}>
            {loose.length === 1
              ? "New group with the vector that is in none"
              : `New group with the ${loose.length} vectors that are in none`}
          </span>
        </Menu.Item>
      )}
    </Menu.Group>
  );
}

function Saved({ model }: { model: string }) {
  const [groups] = useState(() => savedGroups(model));
  const full = useSession((state) => editsOf(state).groups.length >= MAX_GROUPS);
  return (
    <Menu.Group className={menu.group}>
      <Menu.Label className={menu.label}>
        {groups.length > 0 ? `Saved for ${model}` : "None is saved: a group’s own menu does it."}
      </Menu.Label>
      {groups.map((group) => (
        <div key={group.name} className={styles.saved}>
          <Menu.Item
            className={menu.item}
            disabled={full}
            textValue={group.name}
            onSelect={() => loadGroup(model, group)}
          >
            <bdi className={`${menu.main} ${menu.line}`}>{group.name}</bdi>
            <span className={menu.aside}>{group.cards.length}</span>
          </Menu.Item>
          <Menu.Item
            className={menu.item}
            aria-label={`Delete the saved group ${group.name}`}
            title="Delete it from this browser"
            textValue=""
            onSelect={() => deleteSaved(model, group)}
          >
            <Trash2 aria-hidden />
          </Menu.Item>
        </div>
      ))}
    </Menu.Group>
  );
}
