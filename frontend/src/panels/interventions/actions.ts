/** What is done with whole groups from several places. */

import { sameValue } from "@/lib/values";
import { offerUndo } from "@/state/actions";
import { cardsOf, type Group } from "@/state/interventions";
import { namesOf, useNames } from "@/state/names";
import { useNotice } from "@/state/notice";
import { editsOf, useSession } from "@/state/session";
import { asSaved, dropGroup, keepGroup, type SavedGroup, savedGroups } from "./saved";

const vectors = (n: number): string => `${n} vector${n === 1 ? "" : "s"}`;

/** A saved group joins the others; the cards of vectors that are there become as it has them. */
export function loadGroup(model: string, { name, strength, cards, names }: SavedGroup): void {
  const { change } = useSession.getState();
  const { interventions } = editsOf(useSession.getState());
  const known = cards.filter((card) => interventions.some((item) => sameValue(item, card))).length;
  const group = { name, enabled: true, strength, folded: false };
  change({ type: "insertGroup", group, cards });
  useNames.getState().adopt(model, names);
  const changed = `, ${known} of them changed, as ${known === 1 ? "it was" : "they were"} there before`;
  offerUndo(`“${name}” joined: ${vectors(cards.length)}${known > 0 ? changed : ""}.`);
}

export function saveGroup(model: string, group: Group): void {
  const edits = editsOf(useSession.getState());
  const before = savedGroups(model).find(({ name }) => name === group.name);
  const saved = asSaved(edits, group, namesOf(useNames.getState(), model));
  const { show } = useNotice.getState();
  if (!keepGroup(model, saved))
    show({
      text: "This browser has no room for it, or keeps nothing. A saved run has all groups.",
    });
  else if (before)
    show({
      text: `“${group.name}” is saved, in place of the one of that name.`,
      action: { label: "Undo", run: () => keepGroup(model, before) },
    });
  else show({ text: `“${group.name}” is saved for ${model}: the Group menu has it.` });
}

export function deleteSaved(model: string, group: SavedGroup): void {
  dropGroup(model, group.name);
  useNotice.getState().show({
    text: `“${group.name}” is no longer saved.`,
    action: { label: "Undo", run: () => keepGroup(model, group) },
  });
}

/** A group goes with its cards; the notice has the way back beside the usual one. */
export function deleteGroup(group: Group): void {
  const count = cardsOf(editsOf(useSession.getState()), group.id).length;
  useSession.getState().change({ type: "removeGroup", id: group.id, cards: "go" });
  if (count > 0) offerUndo(`“${group.name}” is gone, with ${vectors(count)}.`);
}
