/** One intervention: its vector, what happens to it, what that did to its coefficient. */

import * as Switch from "@radix-ui/react-switch";
import { Check, Minus, X } from "lucide-react";
import { type KeyboardEvent, memo } from "react";
import { IconButton } from "@/components/Button";
import { ValueLabel } from "@/components/ValueLabel";
import { isTyping } from "@/lib/keys";
import { formatScore, formatSigned } from "@/lib/numbers";
import { outOfShape, sameValue, valueKey } from "@/lib/values";
import { explainOn, onWords } from "@/lib/words";
import { stepAlong, useGroupsUi } from "@/state/groupsUi";
import { atStrength, groupOf, type Intervention, takesValue } from "@/state/interventions";
import { useReadyModel } from "@/state/model";
import { editsOf, useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./Card.module.css";
import { CardMenu } from "./CardMenu";
import { KindSelect } from "./KindSelect";
import { PositionsMenu } from "./PositionsMenu";
import { Score } from "./Score";
import { type Coefficients, useCoefficients } from "./useCoefficients";
import { ValueField } from "./ValueField";

interface Props {
  item: Intervention;
  /** The card that is being dragged would go before this one. */
  dropHere?: boolean;
}

export const Card = memo(function Card({ item, dropHere = false }: Props) {
  const model = useReadyModel();
  const selected = useSession((state) => sameValue(state.selection, item));
  const group = useSession((state) => groupOf(editsOf(state), item.group));
  const { change, select } = useSession.getState();
  const key = valueKey(item);
  const problem = model ? outOfShape(item, model) : null;
  const inForce = item.enabled && group?.enabled !== false && !problem;
  const strength = group?.strength ?? 1;
  const sent = atStrength(item, strength, model?.activation_at_zero);
  const coefficients = useCoefficients(item, inForce ? sent.kind : null);
  // The server names the vector that it refuses, for instance at a position the prompt lacks.
  const { error } = useTrace();
  const refused = error?.details.id === key ? error.message : null;
  return (
    <li
      className={styles.card}
      data-enabled={inForce || undefined}
      data-selected={selected || undefined}
      data-drop={dropHere || undefined}
      data-testid={`intervention-${key}`}
      onKeyDown={(event) => moveByKey(event, item)}
    >
      <Grip item={item} />
      <div className={styles.line}>
        <input
          type="checkbox"
          className={styles.applied}
          checked={item.enabled}
          disabled={problem !== null}
          aria-label={`Apply ${key}`}
          title={item.enabled ? "Takes part" : "Does not take part"}
          onChange={(event) =>
            change({ type: "update", ref: item, patch: { enabled: event.target.checked } })
          }
        />
        <button
          type="button"
          className={styles.name}
          data-value={key}
          aria-pressed={selected}
          onClick={() => select({ layer: item.layer, dim: item.dim })}
        >
          <ValueLabel value={item} both />
        </button>
        {!problem && <KindSelect item={item} unedited={coefficients.unedited} />}
        <span className={styles.ends}>
          <CardMenu item={item} className={styles.end ?? ""} />
          <IconButton
            label={`Remove ${key}`}
            className={styles.end}
            onClick={() => change({ type: "remove", ref: item })}
          >
            <X aria-hidden />
          </IconButton>
        </span>
      </div>
      {problem ? (
        <p className={styles.problem}>{problem}</p>
      ) : (
        <div className={styles.how}>
          {takesValue(item.kind) ? (
            <ValueField item={item} unedited={coefficients.unedited} />
          ) : (
            <OnOff
              item={item}
              scaled={strength === 1 ? null : sent.value}
              strength={strength}
              words={onWords(model)}
              title={explainOn(model)}
            />
          )}
          <PositionsMenu item={item} />
          <Effect {...coefficients} />
        </div>
      )}
      {model?.gated && inForce && item.kind === "on" && (
        <Score item={item} coefficient={coefficients.edited} />
      )}
      {refused && <p className={styles.problem}>{refused}</p>}
    </li>
  );
});

/** Alt and an arrow move the card; in a field the keys are the field's own. */
function moveByKey(event: KeyboardEvent<HTMLElement>, item: Intervention): void {
  const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : null;
  // Keys of a menu come here too, though the menu is elsewhere.
  const own = event.currentTarget.contains(event.target as Node);
  if (!event.altKey || by === null || !own || isTyping(event.target)) return;
  event.preventDefault();
  stepAlong(item, by);
}

/** The left edge, for the pointer; keys and the menu do the same. */
function Grip({ item }: { item: Intervention }) {
  return (
    <span
      className={styles.grip}
      draggable
      aria-hidden
      onDragStart={(event) => {
        const card = event.currentTarget.parentElement;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", valueKey(item));
        if (card) event.dataTransfer.setDragImage(card, 8, 16);
        useGroupsUi.setState({ dragged: item });
      }}
      onDragEnd={() => useGroupsUi.setState({ dragged: null })}
    />
  );
}

interface OnOffProps {
  item: Intervention;
  strength: number;
  /** What the group's strength makes of it, as a factor; null: nothing. */
  scaled: number | null;
  /** What is said where it is on, and what that does. */
  words: string;
  title: string;
}

/** The reference's switch: on boosts the vector, off suppresses it. */
const OnOff = memo(function OnOff({ item, strength, scaled, words, title }: OnOffProps) {
  const on = item.kind === "on";
  const rigid = strength !== 1 && scaled === null;
  const key = valueKey(item);
  return (
    <span className={styles.switch}>
      <Switch.Root
        className={styles.track}
        checked={on}
        aria-label={`${key}: ${words} boosts it, off suppresses it`}
        data-tour="switch"
        onCheckedChange={(checked) =>
          useSession
            .getState()
            .change({ type: "update", ref: item, patch: { kind: checked ? "on" : "off" } })
        }
      >
        <Switch.Thumb className={styles.thumb}>
          {on ? <Check aria-hidden /> : <Minus aria-hidden />}
        </Switch.Thumb>
      </Switch.Root>
      <span aria-hidden title={on ? title : undefined}>
        {on ? words : "off"}
      </span>
      {scaled !== null && (
        <span className={styles.strength} title={`At the group’s strength: scaled by ${scaled}`}>
          {`→ × ${formatScore(scaled)}`}
        </span>
      )}
      {rigid && (
        <span
          className={styles.strength}
          title={
            on
              ? "On writes the layer’s own boost: the group’s strength does not change it."
              : "This model’s activation is not 0 at 0: off stays as it is."
          }
        >
          not scaled
        </span>
      )}
    </span>
  );
});

/** The coefficient before and after, as the server applied it. */
function Effect({ unedited, edited }: Coefficients) {
  if (unedited === null)
    return (
      <span className={styles.effect} title="The coefficient is known once the vector takes part">
        —
      </span>
    );
  if (edited === null)
    return (
      <span className={styles.effect} title={`unedited coefficient ${unedited}`}>
        {formatSigned(unedited)}
      </span>
    );
  return (
    <span className={styles.effect} title={`coefficient ${unedited} → ${edited}`}>
      {formatSigned(unedited)} → {formatSigned(edited)}
    </span>
  );
}
