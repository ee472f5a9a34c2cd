/** A found value vector: its score, the tokens it promotes, its page, the arrow to Interventions. */

import { ArrowRight, Check, Maximize2 } from "lucide-react";
import { type CSSProperties, type KeyboardEvent, memo, type ReactNode } from "react";
import { Link } from "wouter";
import type { Hit, KeywordHit } from "@/api/types";
import { TokenText } from "@/components/Token";
import { ValueLabel } from "@/components/ValueLabel";
import { formatScore } from "@/lib/numbers";
import { sameValue, valueKey } from "@/lib/values";
import { interventionsOf, useSession } from "@/state/session";
import { valuePath } from "@/state/url";
import styles from "./HitRow.module.css";

interface Props {
  hit: Hit | KeywordHit;
  /** The score that fills the bar. */
  largest: number;
  /** What the score is. */
  measure: string;
  /** The one that the Tab key reaches; arrow keys go on from there. */
  first: boolean;
}

export const HitRow = memo(function HitRow({ hit, largest, measure, first }: Props) {
  const key = valueKey(hit);
  const ref = { layer: hit.layer, dim: hit.dim };
  const selected = useSession((state) => sameValue(state.selection, ref));
  const listed = useSession((state) => interventionsOf(state).some((item) => sameValue(item, ref)));
  const { select, change } = useSession.getState();
  const share = largest > 0 ? Math.min(Math.abs(hit.score) / largest, 1) : 0;
  return (
    <li className={styles.row} data-selected={selected || undefined}>
      <button
        type="button"
        className={styles.open}
        data-value={key}
        data-hit
        tabIndex={first ? 0 : -1}
        aria-pressed={selected}
        onClick={() => select(ref)}
      >
        <span className={styles.label}>
          <ValueLabel value={ref} />
        </span>
        <span
          className={styles.score}
          style={{ "--share": share } as CSSProperties}
          title={`${measure} ${hit.score}`}
        >
          {formatScore(hit.score)}
        </span>
        <HitTokens hit={hit} />
      </button>
      <Link
        href={valuePath(ref)}
        className={styles.tool ?? ""}
        tabIndex={-1}
        aria-label={`Open the page of ${key}`}
        title="Open its page (O)"
      >
        <Maximize2 aria-hidden />
      </Link>
      <button
        type="button"
        className={styles.tool}
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

/** Up and down walk through the rows, so that Tab need not. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const here = event.target;
  if (!step || !(here instanceof HTMLElement) || !here.matches("[data-hit]")) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-hit]")];
  const next = all[all.indexOf(here) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
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
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys of the buttons inside
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
