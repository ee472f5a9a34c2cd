/** A token and its probability, in one run or in both: bars behind the text, numbers at the end. */

import { memo } from "react";
import type { Token, TokenProb } from "@/api/types";
import { barStyle, pairStyle } from "@/lib/bars";
import { type TokenMove, VISIBLE } from "@/lib/diff";
import { formatProb, formatProbChange } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import { colourOf, toggleFollowed } from "@/state/followed";
import styles from "./ProbRow.module.css";
import { TokenText } from "./Token";

interface Props {
  token: TokenProb;
  /** Where another run is compared with: what became of this token. */
  move?: TokenMove | undefined;
  /** The letter under which it is followed. */
  letter: string | undefined;
}

export const ProbRow = memo(function ProbRow({ token, move, letter }: Props) {
  return (
    <li className={styles.row} style={barStyle(token.prob)}>
      <Follow token={token} letter={letter} />
      <span className={styles.token}>
        <TokenText token={token} />
      </span>
      {move && <MoveMark move={move} />}
      <span className={styles.number} title={`probability ${token.prob}`}>
        {formatProb(token.prob)}
      </span>
    </li>
  );
});

/** A token in both runs: the unedited bar above the edited one, both numbers, and the change. */
export const MoveRow = memo(function MoveRow({ move, letter }: { move: TokenMove } & Lettered) {
  const { unedited, edited, delta } = move;
  return (
    <li
      className={`${styles.row} ${styles.both}`}
      style={pairStyle(unedited, edited)}
      data-kind={move.kind}
    >
      <Follow token={move} letter={letter} />
      <span className={styles.token}>
        <TokenText token={move} />
      </span>
      {move.kind === "entered" && <span className={styles.new}>new</span>}
      <span className={styles.old} title={`unedited ${unedited}`}>
        {formatProb(unedited)}
      </span>
      <span className={styles.now} title={`edited ${edited}`}>
        {formatProb(edited)}
      </span>
      <span className={`${styles.change} ${tone(delta)}`} title={`change ${delta}`}>
        {formatProbChange(delta)}
      </span>
    </li>
  );
});

interface Lettered {
  letter: string | undefined;
}

/** Its marks are drawn by the style sheet, so that the row's text is token and numbers alone. */
function Follow({ token, letter }: { token: Token } & Lettered) {
  const name = describeToken({ text: token.text, hex: token.hex });
  return (
    <button
      type="button"
      className={styles.follow}
      tabIndex={-1}
      style={letter ? { color: colourOf(letter) } : undefined}
      data-follow={letter ?? "+"}
      aria-pressed={letter !== undefined}
      aria-label={`Follow ${name}`}
      title={letter ? `${letter}: followed; click to let go` : "Follow this token"}
      onClick={() => toggleFollowed(token.id)}
    />
  );
}

const tone = (delta: number): string | undefined =>
  Math.abs(delta) < VISIBLE ? styles.same : delta > 0 ? styles.up : styles.down;

/** What became of a token, in a word or an arrow; the number where there is room for it. */
export function MoveMark({ move, number }: { move: TokenMove; number?: boolean }) {
  const word = move.kind === "entered" ? "new" : move.kind === "left" ? "out" : "";
  const still = Math.abs(move.delta) < VISIBLE;
  if (!word && still) return null;
  return (
    <span
      className={`${styles.mark} ${tone(move.delta)}`}
      title={`${formatProbChange(move.delta)} against the unedited run`}
    >
      {word} {!still && (move.delta > 0 ? "▲" : "▼")}
      {number && <span className={styles.size}>{formatProbChange(move.delta)}</span>}
    </span>
  );
}
