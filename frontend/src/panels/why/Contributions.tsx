/** Sub-updates by what each adds directly, the largest first; from here they go to Interventions. */

import { ArrowRight, Check } from "lucide-react";
import { memo } from "react";
import type { Contribution } from "@/api/types";
import { Button } from "@/components/Button";
import { ValueLabel } from "@/components/ValueLabel";
import { formatSigned } from "@/lib/numbers";
import { sameValue, valueKey } from "@/lib/values";
import { walk } from "@/lib/walk";
import { interventionsOf, useSession } from "@/state/session";
import styles from "./Contributions.module.css";
import { amountStyle, signOf } from "./Parts";
import { largestOf } from "./parts";

interface Props {
  list: readonly Contribution[];
  /** How many are asked for. */
  wanted: number;
  busy: boolean;
  onMore: (() => void) | null;
}

export function Contributions({ list, wanted, busy, onMore }: Props) {
  const largest = largestOf(list.map((each) => each.amount));
  const waiting = busy && list.length < wanted;
  return (
    <div className={styles.panel}>
      <p className={styles.head} aria-hidden>
        <span>Sub-updates</span>
        <small>coef.</small>
        <small>adds</small>
      </p>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys of the buttons inside */}
      <div onKeyDown={walk}>
        <ol aria-label="Sub-updates by direct contribution">
          {list.map((each, rank) => (
            <ContributionRow
              key={valueKey(each)}
              contribution={each}
              largest={largest}
              first={rank === 0}
            />
          ))}
        </ol>
      </div>
      {list.length < wanted && !waiting ? (
        <p className={styles.all}>These are all.</p>
      ) : (
        onMore && (
          <Button look="quiet" disabled={waiting} onClick={onMore}>
            {waiting ? "Fetching more…" : "Show more"}
          </Button>
        )
      )}
    </div>
  );
}

interface RowProps {
  contribution: Contribution;
  largest: number;
  /** The one that the Tab key reaches; arrow keys go on from there. */
  first: boolean;
}

const ContributionRow = memo(function ContributionRow({ contribution, largest, first }: RowProps) {
  const { layer, dim, coefficient, amount } = contribution;
  const ref = { layer, dim };
  const key = valueKey(ref);
  const selected = useSession((state) => sameValue(state.selection, ref));
  const listed = useSession((state) => interventionsOf(state).some((item) => sameValue(item, ref)));
  const { select, change } = useSession.getState();
  return (
    <li className={styles.row} data-selected={selected || undefined}>
      <button
        type="button"
        className={styles.open}
        data-value={key}
        data-sub-update
        tabIndex={first ? 0 : -1}
        aria-pressed={selected}
        onClick={() => select(ref)}
      >
        <span className={styles.label}>
          <ValueLabel value={ref} />
        </span>
        <span className={styles.coefficient} title={`coefficient ${coefficient}`}>
          {formatSigned(coefficient)}
        </span>
        <span
          className={styles.amount}
          data-sign={signOf(amount)}
          style={amountStyle(amount, largest)}
          title={`adds ${amount}`}
        >
          {formatSigned(amount)}
        </span>
      </button>
      <button
        type="button"
        className={styles.send}
        tabIndex={-1}
        aria-label={listed ? `${key} is in Interventions` : `Send ${key} to Interventions`}
        title={listed ? "In Interventions" : "Send to Interventions (I)"}
        aria-disabled={listed}
        onClick={() => change({ type: "add", ref })}
      >
        {listed ? <Check aria-hidden /> : <ArrowRight aria-hidden />}
      </button>
    </li>
  );
});
