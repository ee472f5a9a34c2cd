/** Where a card stands: earlier or later, in a group or in none. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check, EllipsisVertical } from "lucide-react";
import { memo } from "react";
import { IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { formatKeys } from "@/lib/keys";
import { valueKey } from "@/lib/values";
import { MAX_GROUPS, stepCard } from "@/state/edits";
import { addGroup, moveCard, stepAlong, useGroupsUi } from "@/state/groupsUi";
import { cardsOf, type Intervention } from "@/state/interventions";
import { editsOf, useSession } from "@/state/session";

const NONE = "none";

interface Props {
  item: Intervention;
  className?: string;
}

/** A card is drawn with every reply, its menus only when it is changed itself: they cost the most. */
export const CardMenu = memo(function CardMenu({ item, className }: Props) {
  const key = valueKey(item);
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label={`More about ${key}`} className={className} tip={false}>
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
        <Places item={item} />
      </MenuContent>
    </Menu.Root>
  );
});

function Places({ item }: { item: Intervention }) {
  const edits = useSession(editsOf);
  const { groups } = edits;
  return (
    <>
      <Step item={item} by={-1} />
      <Step item={item} by={1} />
      <Menu.Label className={menu.label}>In the group</Menu.Label>
      <Menu.RadioGroup
        value={String(item.group ?? NONE)}
        onValueChange={(value) => {
          const group = value === NONE ? null : Number(value);
          moveCard(item, group, cardsOf(edits, group).length);
        }}
      >
        <Place value={NONE} name="none" />
        {groups.map(({ id, name }) => (
          <Place key={id} value={String(id)} name={name} />
        ))}
      </Menu.RadioGroup>
      <Menu.Item
        className={menu.item}
        disabled={groups.length >= MAX_GROUPS}
        onSelect={() => addGroup([item])}
      >
        <span className={menu.main}>New group with it</span>
      </Menu.Item>
    </>
  );
}

function Step({ item, by }: { item: Intervention; by: 1 | -1 }) {
  const edits = useSession(editsOf);
  return (
    <Menu.Item
      className={menu.item}
      disabled={stepCard(edits, item, by) === null}
      // The menu gives the focus back first.
      onSelect={() => requestAnimationFrame(() => stepAlong(item, by))}
    >
      <span className={menu.main}>{by < 0 ? "Move earlier" : "Move later"}</span>
      <span className={menu.aside}>{formatKeys(by < 0 ? "alt+arrowup" : "alt+arrowdown")}</span>
    </Menu.Item>
  );
}

function Place({ value, name }: { value: string; name: string }) {
  return (
    <Menu.RadioItem value={value} className={menu.item}>
      <bdi className={`${menu.main} ${menu.line}`}>{name}</bdi>
      <Menu.ItemIndicator>
        <Check aria-hidden />
      </Menu.ItemIndicator>
    </Menu.RadioItem>
  );
}
