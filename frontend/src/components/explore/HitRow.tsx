/** Found value vectors: each with its score and the tokens it promotes. */

import { type CSSProperties, memo, type ReactNode } from "react";
import type { Hit, KeywordHit } from "@/api/types";
import { NodeRow } from "@/components/NodeRow";
import { TokenText } from "@/components/Token";
import { formatScore } from "@/lib/numbers";
import { valueKey } from "@/lib/values";
import { walk } from "@/lib/walk";
import styles from "./HitRow.module.css";

interface Props {
  hit: Hit | KeywordHit;
  /** The score that fills the bar. */
  largest: number;
  /** What the score is. */
  measure: string;
  first: boolean;
}

const HitRow = memo(function HitRow({ hit, largest, measure, first }: Props) {
  const share = largest > 0 ? Math.min(Math.abs(hit.score) / largest, 1) : 0;
  return (
    <NodeRow value={hit} first={first} look="wide">
      <span
        className={styles.score}
        style={{ "--share": share } as CSSProperties}
        title={`${measure} ${hit.score}`}
      >
        {formatScore(hit.score)}
      </span>
      <HitTokens hit={hit} />
    </NodeRow>
  );
});

/** The best tokens; those that were looked for are marked, also where they come later. */
function HitTokens({ hit }: { hit: Hit | KeywordHit }) {
  const matched = "matched" in hit ? hit.matched : [];
  const ids = new Set(matched.map((token) => token.id));
  const shown = new Set(hit.tokens.map((token) => token.id));
  const later = matched.filter((token) => !shown.has(token.id));
  return (
    <span className={styles.tokens}>
      {later.map((token) => (
        <mark key={token.id} className={styles.matched} title={`number ${token.rank + 1} of 50`}>
          <TokenText token={token} chip />
          <small>{token.rank + 1}</small>
        </mark>
      ))}
      {hit.tokens.map((token) =>
        ids.has(token.id) ? (
          <mark key={token.id} className={styles.matched}>
            <TokenText token={token} chip />
          </mark>
        ) : (
          <TokenText key={token.id} token={token} chip />
        ),
      )}
    </span>
  );
}

interface ListProps {
  label: string;
  hits: readonly (Hit | KeywordHit)[];
  measure: string;
  /** The length of a full bar; without it the largest score of the list. */
  full?: number;
  /** Every token is shown, in as many lines as that takes; otherwise what fits into one. */
  whole?: boolean;
  outdated?: boolean;
  after?: ReactNode;
}

export function HitList({
  label,
  hits,
  measure,
  full,
  whole = false,
  outdated = false,
  after,
}: ListProps) {
  const largest = full ?? Math.max(0, ...hits.map((hit) => Math.abs(hit.score)));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the arrow keys of the buttons inside
    <div
      className={styles.list}
      data-whole={whole || undefined}
      data-outdated={outdated || undefined}
      onKeyDown={walk}
    >
      <ol aria-label={label}>
        {hits.map((hit, rank) => (
          <HitRow
            key={valueKey(hit)}
            hit={hit}
            largest={largest}
            measure={measure}
            first={rank === 0}
          />
        ))}
      </ol>
      {after}
    </div>
  );
}
