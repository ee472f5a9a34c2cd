/** The model's own prediction at the traced position, without and with the interventions. */

import type { CSSProperties } from "react";
import { useLocation } from "wouter";
import type { State, TokenProb, TraceReply } from "@/api/types";
import { MoveMark } from "@/components/ProbRow";
import { TokenText } from "@/components/Token";
import { movesOf, type TokenMove } from "@/lib/diff";
import { formatNats, formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import { usePrefs } from "@/state/prefs";
import { useTrace } from "@/state/trace";
import styles from "./FinalPrediction.module.css";

const ROWS = 6;
const FOLDED = 1;

const finalState = (run: TraceReply["unedited"] | null | undefined): State | null =>
  run?.positions[0]?.layers.at(-1)?.after ?? null;

/** One likely token: its probability in the only run, or in both. */
interface Row {
  token: TokenProb | TokenMove;
  unedited: number;
  move: TokenMove | null;
}

/** The likeliest tokens of the run that the person is steering; the other run's are beside them. */
function rowsOf(unedited: State, moves: TokenMove[] | null): Row[] {
  if (moves) return moves.map((move) => ({ token: move, unedited: move.unedited, move }));
  return unedited.top.map((token) => ({ token, unedited: token.prob, move: null }));
}

export function FinalPrediction() {
  const { reply, outdated, pending, error } = useTrace();
  const [path] = useLocation();
  const open = usePrefs((state) => state.dockOpen);
  const unedited = finalState(reply?.unedited);
  const edited = finalState(reply?.edited);
  const compared = reply?.comparison?.[0]?.layers.at(-1)?.after ?? null;
  const moves = unedited && edited && compared ? movesOf(compared, unedited, edited) : null;
  const rows = unedited ? rowsOf(unedited, moves).slice(0, open ? ROWS : FOLDED) : [];
  return (
    <section
      className={styles.panel}
      aria-label="Final prediction"
      aria-busy={pending}
      data-outdated={outdated || undefined}
      data-testid="final-prediction"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls where the dock is low
      tabIndex={0}
    >
      {unedited ? (
        <table className={compared ? styles.table : `${styles.table} ${styles.single}`}>
          <thead>
            <tr>
              <th scope="col">
                Final prediction
                {compared && (
                  <small title={`KL(edited ‖ unedited) of the next token ${compared.kl} nats`}>
                    KL {formatNats(compared.kl)}
                  </small>
                )}
              </th>
              <th scope="col">unedited</th>
              {compared && <th scope="col">edited</th>}
              {compared && <th scope="col">change</th>}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.token.id}>
                <th scope="row">
                  <TokenText token={row.token} />
                </th>
                <Prob prob={row.unedited} />
                {row.move && <Prob prob={row.move.edited} strong />}
                {row.move && (
                  <td className={styles.change}>
                    <MoveMark move={row.move} number />
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p className={styles.empty}>
          <strong>Final prediction</strong> The likeliest next tokens, once a prompt is traced.
        </p>
      )}
      {error && path === "/explore" && (
        <p className={styles.problem} role="alert">
          {error.message}
        </p>
      )}
      <Spoken unedited={unedited} edited={edited} waiting={outdated || pending} />
    </section>
  );
}

function Prob({ prob, strong }: { prob: number; strong?: boolean }) {
  return (
    <td
      className={strong ? `${styles.prob} ${styles.strong}` : styles.prob}
      style={{ "--share": prob } as CSSProperties}
      title={String(prob)}
    >
      {formatProb(prob)}
    </td>
  );
}

/** Says the outcome once it is there, for those who cannot see it change. */
function Spoken(props: { unedited: State | null; edited: State | null; waiting: boolean }) {
  const { unedited, edited, waiting } = props;
  const say = (state: State | null) => {
    const top = state?.top[0];
    return top ? `${describeToken({ text: top.text, hex: top.hex })} ${formatProb(top.prob)}` : "";
  };
  const text = !unedited
    ? ""
    : edited
      ? `Prediction: unedited ${say(unedited)}, edited ${say(edited)}.`
      : `Prediction: ${say(unedited)}.`;
  return (
    <p className="visually-hidden" aria-live="polite">
      {waiting ? "" : text}
    </p>
  );
}
