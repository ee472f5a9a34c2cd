/** A list that cards can be dropped into, at the place that the pointer shows. */

import { type DragEvent, useState } from "react";
import { sameValue } from "@/lib/values";
import { moveCard, useGroupsUi } from "@/state/groupsUi";
import type { Intervention } from "@/state/interventions";

export interface Drop {
  /** Before which card the dragged one would go; their number: after the last; null: nothing is over. */
  at: number | null;
  handlers: {
    onDragOver(event: DragEvent): void;
    onDragLeave(event: DragEvent): void;
    onDrop(event: DragEvent): void;
  };
}

/** The place among a list's cards that a point belongs to; null: after the last. */
function placeAt(event: DragEvent): number | null {
  const items = [...event.currentTarget.querySelectorAll("[data-testid^='intervention-']")];
  const found = items.findIndex((item) => {
    const { bottom, left, right, top } = item.getBoundingClientRect();
    const inRow = event.clientY < bottom;
    return event.clientY < top || (inRow && event.clientX < (left + right) / 2);
  });
  return found < 0 ? null : found;
}

export function useDrop(group: number | null, cards: readonly Intervention[]): Drop {
  const [at, setAt] = useState<number | null>(null);
  return {
    at,
    handlers: {
      onDragOver: (event) => {
        if (!useGroupsUi.getState().dragged) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "move";
        setAt(placeAt(event) ?? cards.length);
      },
      onDragLeave: (event) => {
        const inside = event.relatedTarget instanceof Node;
        if (!inside || !event.currentTarget.contains(event.relatedTarget as Node)) setAt(null);
      },
      onDrop: (event) => {
        const { dragged } = useGroupsUi.getState();
        setAt(null);
        if (!dragged) return;
        event.preventDefault();
        // In another list it is another element, which hears of no end of the drag.
        useGroupsUi.setState({ dragged: null });
        const place = placeAt(event) ?? cards.length;
        const own = cards.findIndex((card) => sameValue(card, dragged));
        // Its own place is free once it has been taken out.
        moveCard(dragged, group, own >= 0 && own < place ? place - 1 : place);
      },
    },
  };
}
