/** What is done with a group as a whole, beyond its switch and its strength. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { EllipsisVertical } from "lucide-react";
import { IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { formatKeys } from "@/lib/keys";
import { useGroupsUi } from "@/state/groupsUi";
import { cardsOf, type Group } from "@/state/interventions";
import { useModel } from "@/state/model";
import { editsOf, useSession } from "@/state/session";
import { deleteGroup, saveGroup } from "./actions";

/** One place up or down among the groups; null at the ends. */
export function stepGroup(group: Group, by: 1 | -1): (() => void) | null {
  const { groups } = editsOf(useSession.getState());
  const index = groups.findIndex(({ id }) => id === group.id) + by;
  if (index < 0 || index >= groups.length) return null;
  return () => {
    useSession.getState().change({ type: "moveGroup", id: group.id, index });
    useGroupsUi.setState({ said: `${group.name}: group ${index + 1} of ${groups.length}` });
  };
}

export function GroupMenu({ group, className }: { group: Group; className?: string }) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label={`More about the group ${group.name}`} className={className} tip={false}>
          <EllipsisVertical aria-hidden />
        </IconButton>
      </Menu.Trigger>
      <MenuContent
        align="end"
        side="top"
        onCloseAutoFocus={(event) => {
          if (useGroupsUi.getState().renaming !== null) event.preventDefault();
        }}
      >
        <Items group={group} />
      </MenuContent>
    </Menu.Root>
  );
}

function Items({ group }: { group: Group }) {
  const model = useModel()?.id ?? null;
  const count = useSession((state) => cardsOf(editsOf(state), group.id).length);
  const up = stepGroup(group, -1);
  const down = stepGroup(group, 1);
  const { change } = useSession.getState();
  return (
    <>
      <Menu.Item
        className={menu.item}
        onSelect={() => useGroupsUi.setState({ renaming: group.id })}
      >
        <span className={menu.main}>Rename</span>
      </Menu.Item>
      <Menu.Item
        className={menu.item}
        disabled={model === null || count === 0}
        onSelect={() => model !== null && saveGroup(model, group)}
      >
        <span className={menu.main}>
          Save in this browser
          <small>under its name, for {model ?? "this model"}, with the names of its vectors</small>
        </span>
      </Menu.Item>
      <Menu.Group className={menu.group}>
        <Menu.Item className={menu.item} disabled={!up} onSelect={() => up?.()}>
          <span className={menu.main}>Move up</span>
          <span className={menu.aside}>{formatKeys("alt+arrowup")}</span>
        </Menu.Item>
        <Menu.Item className={menu.item} disabled={!down} onSelect={() => down?.()}>
          <span className={menu.main}>Move down</span>
          <span className={menu.aside}>{formatKeys("alt+arrowdown")}</span>
        </Menu.Item>
      </Menu.Group>
      <Menu.Group className={menu.group}>
        <Menu.Item
          className={menu.item}
          onSelect={() => change({ type: "removeGroup", id: group.id, cards: "stay" })}
        >
          <span className={menu.main}>
            Dissolve<small>its vectors stay, as their own cards say</small>
          </span>
        </Menu.Item>
        <Menu.Item className={menu.item} onSelect={() => deleteGroup(group)}>
          <span className={menu.main}>
            {count === 0
              ? "Delete"
              : `Delete with its ${count === 1 ? "vector" : `${count} vectors`}`}
          </span>
        </Menu.Item>
      </Menu.Group>
    </>
  );
}
