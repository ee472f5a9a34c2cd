/** Sub-updates by what each adds directly, the largest first; from here they go to Interventions. */

import { memo } from "react";
import type { Contribution } from "@/api/types";
import { Button } from "@/components/Button";
import { NodeRow } from "@/components/NodeRow";
import { formatSigned } from "@/lib/numbers";
import { valueKey } from "@/lib/values";
import { walk } from "@/lib/walk";
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
  first: boolean;
}

const ContributionRow = memo(function ContributionRow({ contribution, largest, first }: RowProps) {
  const { coefficient, amount } = contribution;
  return (
    <NodeRow value={contribution} first={first} coefficient={coefficient}>
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
    </NodeRow>
  );
});
