/** A token and its probability: a bar behind the text, a number at the end. */

import { memo } from "react";
import type { TokenProb } from "@/api/types";
import type { TokenChange } from "@/lib/diff";
import { formatProb, formatProbChange } from "@/lib/numbers";
import styles from "./ProbRow.module.css";
import { TokenText } from "./Token";

const bar = (share: number) =>
  ({ "--share": Math.min(Math.max(share, 0), 1) }) as React.CSSProperties;

interface Props {
  token: TokenProb;
  /** Where another run is compared with: what became of this token. */
  change?: TokenChange | undefined;
}

export const ProbRow = memo(function ProbRow({ token, change }: Props) {
  return (
    <li className={styles.row} style={bar(token.prob)}>
      <span className={styles.token}>
        <TokenText token={token} />
      </span>
      {change && <ChangeMark change={change} />}
      <span className={styles.number} title={`probability ${token.prob}`}>
        {formatProb(token.prob)}
      </span>
    </li>
  );
});

export function ChangeMark({ change, size }: { change: TokenChange; size?: boolean }) {
  if (change.kind === "both" && Math.abs(change.delta) < 0.0005) return null;
  const up = change.delta >= 0;
  const words = change.kind === "entered" ? "new" : change.kind === "left" ? "out" : "";
  const least = change.kind === "both" ? "" : "at least ";
  return (
    <span
      className={up ? styles.up : styles.down}
      title={`${least}${formatProbChange(change.delta)} against the unedited run`}
    >
      {words} {up ? "▲" : "▼"}
      {size && (
        <span className={styles.size}>
          {change.kind === "both" ? "" : "≥"}
          {formatProbChange(change.delta)}
        </span>
      )}
    </span>
  );
}

/** A token and what the edits did to its probability: a bar to the right or left of the middle. */
export const ChangeRow = memo(function ChangeRow({
  change,
  scale,
}: {
  change: TokenChange;
  scale: number;
}) {
  const share = scale > 0 ? Math.abs(change.delta) / scale : 0;
  const up = change.delta >= 0;
  return (
    <li className={`${styles.row} ${up ? styles.more : styles.less}`} style={bar(share)}>
      <span className={styles.token}>
        <TokenText token={change.token} />
      </span>
      <ChangeMark change={change} />
      <span className={styles.number}>
        {change.kind === "both" ? "" : "≥"}
        {formatProbChange(change.delta)}
      </span>
    </li>
  );
});
