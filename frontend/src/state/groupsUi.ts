/** What the groups show for a moment: a name that is being typed, a card that is on its way. */

import { create } from "zustand";
import { sameValue, type ValueRef, valueKey } from "@/lib/values";
import { freshName, stepCard } from "./edits";
import { cardsOf, groupOf, type Intervention } from "./interventions";
import { editsOf, useSession } from "./session";

interface GroupsUi {
  /** Id of the group whose name is being typed. */
  renaming: number | null;
  /** Said to those who cannot see a card move. */
  said: string;
  /** The card under the pointer. */
  dragged: ValueRef | null;
}

export const useGroupsUi = create<GroupsUi>()(() => ({ renaming: null, said: "", dragged: null }));

/** A new group with these cards at the end, its name ready to be typed. */
export function addGroup(cards: readonly Intervention[]): void {
  const { change } = useSession.getState();
  const name = freshName(editsOf(useSession.getState()));
  const group = { name, enabled: true, strength: 1, folded: false };
  change({ type: "insertGroup", group, cards });
  useGroupsUi.setState({ renaming: editsOf(useSession.getState()).groups.at(-1)?.id ?? null });
}

/** Move a card; a folded group opens, so that it is seen where it went. */
export function moveCard(ref: ValueRef, group: number | null, index: number): void {
  const { change, fold } = useSession.getState();
  change({ type: "move", ref, group, index });
  const edits = editsOf(useSession.getState());
  const box = groupOf(edits, group);
  if (box?.folded) fold(box.id, false);
  const cards = cardsOf(edits, group);
  const place = cards.findIndex((card) => sameValue(card, ref)) + 1;
  useGroupsUi.setState({
    said: `${valueKey(ref)}: place ${place} of ${cards.length} ${box ? `in ${box.name}` : "in no group"}`,
  });
}

/** One place earlier or later, and the focus goes along. */
export function stepAlong(ref: ValueRef, by: 1 | -1): void {
  const change = stepCard(editsOf(useSession.getState()), ref, by);
  if (change?.type !== "move") return;
  const focused = document.activeElement;
  const label = focused?.getAttribute("aria-label");
  moveCard(ref, change.group, change.index);
  // In another group it is another element.
  requestAnimationFrame(() => {
    const card = document.querySelector(`[data-testid="intervention-${valueKey(ref)}"]`);
    card?.scrollIntoView({ block: "nearest" });
    if (!card || card.contains(document.activeElement)) return;
    const same = label && card.querySelector<HTMLElement>(`[aria-label="${CSS.escape(label)}"]`);
    (same || card.querySelector<HTMLElement>("button[data-value]"))?.focus();
  });
}
