/** One dominant sub-update: its vector, signed coefficient, score, and the arrow to Interventions. */

import { ArrowRight, Check } from "lucide-react";
import { memo } from "react";
import type { SubUpdate } from "@/api/types";
import { barStyle } from "@/lib/bars";
import { formatScore, formatSigned } from "@/lib/numbers";
import { sameValue, valueKey } from "@/lib/values";
import { interventionsOf, useSession } from "@/state/session";
import styles from "./SubUpdateRow.module.css";
import { ValueLabel } from "./ValueLabel";

/** The same elements in every row, so that React need not look at them when a row changes. */
const ARROW = <ArrowRight aria-hidden />;
const TICK = <Check aria-hidden />;

interface Props {
  update: SubUpdate;
  /** The largest score of the list: the full length of the bar. */
  largest: number;
  /** The one that the Tab key reaches; arrow keys go on from there. */
  first: boolean;
  /** In the list of one run only. */
  mark?: string | undefined;
  /** The coefficient of the other run. */
  from?: number | undefined;
}

export const SubUpdateRow = memo(function SubUpdateRow({
  update,
  largest,
  first,
  mark,
  from,
}: Props) {
  const { coefficient, score } = update;
  const key = valueKey(update);
  const selected = useSession((state) => sameValue(state.selection, update));
  const listed = useSession((state) =>
    interventionsOf(state).some((item) => sameValue(item, update)),
  );
  const { select, change } = useSession.getState();
  const share = largest > 0 ? score / largest : 0;
  return (
    <li className={styles.row} data-selected={selected || undefined}>
      <button
        type="button"
        className={styles.open}
        style={barStyle(share)}
        data-value={key}
        data-sub-update
        tabIndex={first ? 0 : -1}
        aria-pressed={selected}
        onClick={() => select({ layer: update.layer, dim: update.dim })}
      >
        <span className={styles.label}>
          <ValueLabel value={update} />
        </span>
        {mark && <span className={styles.mark}>{mark}</span>}
        <span
          className={`${styles.coefficient} ${coefficient >= 0 ? styles.positive : styles.negative}`}
          title={`coefficient ${coefficient}${from === undefined ? "" : `, unedited ${from}`}`}
        >
          {from !== undefined && <span className={styles.from}>{formatSigned(from)} → </span>}
          {formatSigned(coefficient)}
        </span>
        <span className={styles.score} title={`score ${score}`}>
          {formatScore(score)}
        </span>
      </button>
      <button
        type="button"
        className={styles.send}
        tabIndex={-1}
        aria-label={listed ? `${key} is in Interventions` : `Send ${key} to Interventions`}
        title={listed ? "In Interventions" : "Send to Interventions (I)"}
        aria-disabled={listed}
        onClick={() => change({ type: "add", ref: update })}
      >
        {listed ? TICK : ARROW}
      </button>
    </li>
  );
});
