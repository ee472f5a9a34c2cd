/** A group: its switch and strength in one line, its cards below unless it is folded. */

import { ChevronDown, ChevronRight } from "lucide-react";
import type { KeyboardEvent } from "react";
import { IconButton } from "@/components/Button";
import { ValueLabel } from "@/components/ValueLabel";
import { isTyping } from "@/lib/keys";
import { valueKey } from "@/lib/values";
import { type Group, type Intervention, isScalable } from "@/state/interventions";
import { useModel } from "@/state/model";
import { useSession } from "@/state/session";
import { CardList } from "./CardList";
import styles from "./GroupBox.module.css";
import { GroupMenu, stepGroup } from "./GroupMenu";
import { GroupName } from "./GroupName";
import { NumberField, Slider } from "./NumberControl";
import { STRENGTH } from "./slider";
import { useDrop } from "./useDrop";

interface Props {
  group: Group;
  cards: readonly Intervention[];
}

export function GroupBox({ group, cards }: Props) {
  const { change, fold } = useSession.getState();
  const drop = useDrop(group.id, cards);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : null;
    const own = event.currentTarget.contains(event.target as Node);
    if (!event.altKey || by === null || !own || isTyping(event.target)) return;
    event.preventDefault();
    stepGroup(group, by)?.();
  };
  return (
    <section
      className={styles.group}
      aria-label={`Group ${group.name}`}
      data-enabled={group.enabled || undefined}
      data-testid={`group-${group.id}`}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a place to drop cards and for one key */}
      <div
        className={styles.head}
        data-drop={(group.folded && drop.at !== null) || undefined}
        onKeyDown={onKeyDown}
        {...(group.folded ? drop.handlers : {})}
      >
        <IconButton
          label={`${group.folded ? "Unfold" : "Fold"} the group ${group.name}`}
          className={styles.small}
          aria-expanded={!group.folded}
          onClick={() => fold(group.id, !group.folded)}
        >
          {group.folded ? <ChevronRight aria-hidden /> : <ChevronDown aria-hidden />}
        </IconButton>
        <input
          type="checkbox"
          className={styles.applied}
          checked={group.enabled}
          aria-label={`Apply the group ${group.name}`}
          title={group.enabled ? "Takes part" : "None of its vectors takes part"}
          onChange={({ target }) =>
            change({ type: "updateGroup", id: group.id, patch: { enabled: target.checked } })
          }
        />
        <GroupName group={group} />
        <span className={styles.count}>{cards.length}</span>
        <Summary group={group} cards={cards} />
        <Strength group={group} />
        <GroupMenu group={group} className={styles.small ?? ""} />
      </div>
      {!group.folded && (
        <CardList cards={cards} label={`Vectors of ${group.name}`} drop={drop}>
          {cards.length === 0 && (
            <li className={styles.empty}>
              Empty: drag cards here by their left edge, or use their ⋮ menu or Alt ↓.
            </li>
          )}
        </CardList>
      )}
    </section>
  );
}

/** Folded: what is in it. Open: what its strength does not reach. */
function Summary({ group, cards }: Props) {
  const atZero = useModel()?.activation_at_zero;
  const rigid = cards.filter(({ kind }) => !isScalable(kind, atZero));
  if (group.folded)
    return (
      <p className={styles.summary}>
        {cards.map((card) => (
          <span key={valueKey(card)}>
            <ValueLabel value={card} />
          </span>
        ))}
      </p>
    );
  return (
    <p className={styles.summary}>
      {group.strength !== 1 && rigid.length > 0 && `${rigid.length} not scaled`}
    </p>
  );
}

function Strength({ group }: { group: Group }) {
  const label = `Strength of the group ${group.name}`;
  const onPut = (strength: number, stream: string) =>
    useSession
      .getState()
      .change({ type: "updateGroup", id: group.id, patch: { strength } }, stream);
  const common = { value: group.strength, label, onPut };
  return (
    <div className={styles.strength}>
      <span aria-hidden>×</span>
      <Slider {...common} range={STRENGTH} neutral={1} />
      <NumberField {...common} step={STRENGTH.step} />
    </div>
  );
}
