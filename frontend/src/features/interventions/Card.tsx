/** One intervention: its vector, what happens to it, what that did to its coefficient. */

import * as Switch from "@radix-ui/react-switch";
import { Check, Minus, X } from "lucide-react";
import { memo } from "react";
import { IconButton } from "@/components/Button";
import { ValueLabel } from "@/components/ValueLabel";
import { formatSigned } from "@/lib/numbers";
import { outOfShape, sameValue, valueKey } from "@/lib/values";
import { type Intervention, takesValue } from "@/state/interventions";
import { useReadyModel } from "@/state/model";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./Card.module.css";
import { KindSelect } from "./KindSelect";
import { PositionsMenu } from "./PositionsMenu";
import { type Coefficients, useCoefficients } from "./useCoefficients";
import { ValueField } from "./ValueField";

export const Card = memo(function Card({ item }: { item: Intervention }) {
  const model = useReadyModel();
  const selected = useSession((state) => sameValue(state.selection, item));
  const { change, select } = useSession.getState();
  const key = valueKey(item);
  const problem = model ? outOfShape(item, model) : null;
  const coefficients = useCoefficients(item);
  // The server names the vector that it refuses, for instance at a position the prompt lacks.
  const { error } = useTrace();
  const refused = error?.message.startsWith(`${key}: `) ? error.message : null;
  return (
    <li
      className={styles.card}
      data-enabled={(item.enabled && !problem) || undefined}
      data-selected={selected || undefined}
      data-testid={`intervention-${key}`}
    >
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
        <IconButton
          label={`Remove ${key}`}
          className={styles.remove}
          onClick={() => change({ type: "remove", ref: item })}
        >
          <X aria-hidden />
        </IconButton>
      </div>
      {problem ? (
        <p className={styles.problem}>{problem}</p>
      ) : (
        <div className={styles.how}>
          {takesValue(item.kind) ? (
            <ValueField item={item} unedited={coefficients.unedited} />
          ) : (
            <OnOff item={item} />
          )}
          <PositionsMenu item={item} />
          <Effect {...coefficients} />
        </div>
      )}
      {refused && <p className={styles.problem}>{refused}</p>}
    </li>
  );
});

/** The reference's switch: on boosts the vector, off suppresses it. */
function OnOff({ item }: { item: Intervention }) {
  const on = item.kind === "on";
  const key = valueKey(item);
  return (
    <span className={styles.switch}>
      <Switch.Root
        className={styles.track}
        checked={on}
        aria-label={`${key}: on boosts it, off suppresses it`}
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
      <span aria-hidden>{on ? "on" : "off"}</span>
    </span>
  );
}

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
