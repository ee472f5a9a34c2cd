/** What happens to a vector: the reference's switch, or its coefficient scaled, set or added to. */

import type { Kind } from "@/api/types";
import { valueKey } from "@/lib/values";
import { onWords } from "@/lib/words";
import { type Intervention, neutralValue, takesValue } from "@/state/interventions";
import { useModel } from "@/state/model";
import { useSession } from "@/state/session";
import styles from "./Card.module.css";

const WAYS = ["off", "scale", "set", "add"] as const satisfies readonly Kind[];

/** Another way begins where it changes as little as it can, so that nothing jumps. */
export function KindSelect({ item, unedited }: { item: Intervention; unedited: number | null }) {
  const model = useModel();
  const choose = (kind: Kind) =>
    useSession.getState().change({
      type: "update",
      ref: item,
      patch: { kind, value: neutralValue(kind, unedited) },
    });
  return (
    <select
      className={styles.kind}
      value={takesValue(item.kind) ? item.kind : "off"}
      aria-label={`Way to change ${valueKey(item)}`}
      onChange={(event) => choose(event.target.value as Kind)}
    >
      {WAYS.map((way) => (
        <option key={way} value={way}>
          {way === "off" ? `${onWords(model)} / off` : way}
        </option>
      ))}
    </select>
  );
}
