/** The cards of a group, or those in none. */

import type { ReactNode } from "react";
import { valueKey } from "@/lib/values";
import type { Intervention } from "@/state/interventions";
import { Card } from "./Card";
import styles from "./CardList.module.css";
import type { Drop } from "./useDrop";

interface Props {
  cards: readonly Intervention[];
  label: string;
  drop: Drop;
  /** In place of cards. */
  children?: ReactNode;
}

export function CardList({ cards, label, drop, children }: Props) {
  return (
    <ul
      className={styles.cards}
      aria-label={label}
      data-drop={drop.at === cards.length || undefined}
      {...drop.handlers}
    >
      {cards.map((item, index) => (
        <Card key={valueKey(item)} item={item} dropHere={drop.at === index} />
      ))}
      {children}
    </ul>
  );
}
