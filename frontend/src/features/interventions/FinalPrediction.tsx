/** The model's own prediction at the traced position, without and with the interventions. */

import type { CSSProperties } from "react";
import { useLocation } from "wouter";
import type { State, TraceReply } from "@/api/types";
import { ChangeMark } from "@/components/ProbRow";
import { TokenText } from "@/components/Token";
import { compareStates, type TokenChange } from "@/lib/diff";
import { formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import { usePrefs } from "@/state/prefs";
import { useTrace } from "@/state/trace";
import styles from "./FinalPrediction.module.css";

const ROWS = 6;
const FOLDED = 1;

const finalState = (run: TraceReply["unedited"] | null | undefined): State | null =>
  run?.positions[0]?.layers.at(-1)?.after ?? null;

/** The likeliest tokens of the run that the person is steering; the other run's are beside them. */
function rowsOf(unedited: State, edited: State | null): TokenChange[] {
  const rows = compareStates(unedited, edited ?? unedited);
  const best = (row: TokenChange) => row.edited ?? -1;
  return rows.sort((a, b) => best(b) - best(a) || a.token.id - b.token.id);
}

export function FinalPrediction() {
  const { reply, outdated, pending, error } = useTrace();
  const [path] = useLocation();
  const open = usePrefs((state) => state.dockOpen);
  const unedited = finalState(reply?.unedited);
  const edited = finalState(reply?.edited);
  const rows = unedited ? rowsOf(unedited, edited).slice(0, open ? ROWS : FOLDED) : [];
  return (
    <section
      className={styles.panel}
      aria-label="Final prediction"
      aria-busy={pending}
      data-outdated={outdated || undefined}
      data-testid="final-prediction"
    >
      {unedited ? (
        <table className={edited ? styles.table : `${styles.table} ${styles.single}`}>
          <thead>
            <tr>
              <th scope="col">Final prediction</th>
              <th scope="col">unedited</th>
              {edited && <th scope="col">edited</th>}
              {edited && <th scope="col">change</th>}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.token.id}>
                <th scope="row">
                  <TokenText token={row.token} />
                </th>
                <Prob prob={row.unedited} floor={unedited} />
                {edited && <Prob prob={row.edited} floor={edited} strong />}
                {edited && (
                  <td className={styles.change}>
                    <ChangeMark change={row} size />
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

/** A token outside a run's shown ones is known to be less likely than the last of them. */
function Prob({ prob, floor, strong }: { prob: number | null; floor: State; strong?: boolean }) {
  const least = floor.top.at(-1)?.prob ?? 0;
  return (
    <td
      className={strong ? `${styles.prob} ${styles.strong}` : styles.prob}
      style={{ "--share": prob ?? 0 } as CSSProperties}
      title={prob === null ? `at most ${least}` : String(prob)}
    >
      {prob === null ? `≤${formatProb(least).replace("<", "")}` : formatProb(prob)}
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
