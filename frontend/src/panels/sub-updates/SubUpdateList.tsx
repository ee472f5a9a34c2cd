/** Sub-updates in detail, a line for what each pushes up and one for what it pushes down. */

import { type CSSProperties, memo } from "react";
import type { SubUpdateDetail, SubUpdatesReply, TokenLogit } from "@/api/types";
import { NodeButton, SendButton, useSelected } from "@/components/NodeRow";
import { ReadingName } from "@/components/ReadingName";
import { TokenText } from "@/components/Token";
import { ValueLabel } from "@/components/ValueLabel";
import { formatScore, formatShare, formatSigned } from "@/lib/numbers";
import { valueKey } from "@/lib/values";
import { walk } from "@/lib/walk";
import { useSession } from "@/state/session";
import styles from "./SubUpdateList.module.css";

export function List({ reply, outdated }: { reply: SubUpdatesReply; outdated: boolean }) {
  const updates = reply.sub_updates;
  const withEffect = reply.token !== null;
  const largest = {
    score: Math.max(0, ...updates.map((update) => update.score)),
    effect: Math.max(0, ...updates.map((update) => Math.abs(update.effect ?? 0))),
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys of the buttons inside
    <div className={styles.list} data-outdated={outdated || undefined} onKeyDown={walk}>
      <table className={styles.table} data-testid="sub-updates">
        <caption className="visually-hidden">Sub-updates of layer {reply.layer}</caption>
        <thead>
          <tr>
            <th scope="col" className={styles.vector}>
              Vector
            </th>
            <th scope="col">coef.</th>
            <th scope="col" className={styles.score}>
              score
            </th>
            {withEffect && (
              <th scope="col" className={styles.effect}>
                effect
              </th>
            )}
            <th scope="col" className={styles.pushes}>
              pushes ▲ up ▼ down, sign applied <ReadingName reading={reply.reading} />
            </th>
            <th scope="col" className={styles.sendHead}>
              <span className="visually-hidden">Interventions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {updates.map((update, rank) => (
            <Row
              key={valueKey(update)}
              update={update}
              largestScore={largest.score}
              largestEffect={largest.effect}
              first={rank === 0}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  update: SubUpdateDetail;
  largestScore: number;
  largestEffect: number;
  /** The one that the Tab key reaches; arrow keys go on from there. */
  first: boolean;
}

const shareOf = (value: number, largest: number) =>
  ({ "--share": largest > 0 ? Math.abs(value) / largest : 0 }) as CSSProperties;

const tone = (value: number) => (value < 0 ? styles.less : styles.more);

const Row = memo(function Row({ update, largestScore, largestEffect, first }: RowProps) {
  const { score, share, effect } = update;
  const ref = { layer: update.layer, dim: update.dim };
  const selected = useSelected(ref);
  return (
    <tr data-selected={selected || undefined} onClick={() => useSession.getState().select(ref)}>
      <th scope="row" className={styles.vector}>
        <NodeButton
          value={ref}
          first={first}
          selected={selected}
          coefficient={update.coefficient}
          className={styles.open}
        >
          <ValueLabel value={ref} />
        </NodeButton>
      </th>
      <Coefficient update={update} />
      <td className={styles.score} style={shareOf(score, largestScore)} title={`score ${score}`}>
        {formatScore(score)}
        <small title={`${share} of the sum of all scores`}>{formatShare(share)}</small>
      </td>
      {effect !== null && (
        <td
          className={`${styles.effect} ${tone(effect)}`}
          style={shareOf(effect, largestEffect)}
          data-sign={effect < 0 ? "less" : "more"}
          title={`effect ${effect}`}
        >
          {formatSigned(effect)}
        </td>
      )}
      <td className={styles.pushes}>
        <Tokens tokens={update.up} mark="▲" label="pushes up" />
        <Tokens tokens={update.down} mark="▼" label="pushes down" />
      </td>
      <td className={styles.sendCell}>
        <SendButton value={ref} className={styles.send} />
      </td>
    </tr>
  );
});

/** The unedited one below it, where the edits have changed it. */
function Coefficient({ update }: { update: SubUpdateDetail }) {
  const { coefficient, unedited_coefficient: before } = update;
  const moved = Math.abs(coefficient - before) > 1e-3 * Math.abs(before);
  return (
    <td className={tone(coefficient)} title={`coefficient ${coefficient}, unedited ${before}`}>
      {formatSigned(coefficient)}
      {moved && <small>was {formatSigned(before)}</small>}
    </td>
  );
}

interface TokensProps {
  tokens: readonly TokenLogit[];
  mark: string;
  label: string;
}

function Tokens({ tokens, mark, label }: TokensProps) {
  return (
    <p className={styles.tokens}>
      <span className={styles.mark} aria-hidden>
        {mark}
      </span>
      <span className="visually-hidden">{label}</span>
      {tokens.map((token) => (
        <TokenText key={token.id} token={token} chip />
      ))}
    </p>
  );
}
