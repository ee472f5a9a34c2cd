/** One dominant sub-update: its vector, signed coefficient and score. */

import { memo } from "react";
import type { SubUpdate } from "@/api/types";
import { NodeRow } from "@/components/NodeRow";
import { barStyle } from "@/lib/bars";
import { formatScore, formatSigned } from "@/lib/numbers";
import styles from "./SubUpdateRow.module.css";

interface Props {
  update: SubUpdate;
  /** The largest score of the list: the full length of the bar. */
  largest: number;
  first: boolean;
  /** In the list of one run only. */
  mark?: string | undefined;
  /** The coefficient of the other run. */
  from?: number | undefined;
}

export const SubUpdateRow = memo(function SubUpdateRow(props: Props) {
  const { update, largest, first, mark, from } = props;
  const { coefficient, score } = update;
  return (
    <NodeRow
      value={update}
      first={first}
      coefficient={coefficient}
      bar={barStyle(largest > 0 ? score / largest : 0)}
    >
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
    </NodeRow>
  );
});
