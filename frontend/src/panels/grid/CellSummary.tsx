/** The cell that is pointed at or has the keyboard, in full. */

import type { GridReply } from "@/api/types";
import { TokenText } from "@/components/Token";
import { formatNats, formatProb } from "@/lib/numbers";
import { type Cell, type Read, rowOf } from "./cells";
import styles from "./GridPanel.module.css";
import type { Spot } from "./steps";

interface Props {
  reply: GridReply;
  spot: Spot | null;
  cellAt(state: number, column: number): Cell;
}

export function CellSummary({ reply, spot, cellAt }: Props) {
  const position = spot === null ? undefined : reply.positions[spot.column];
  const token = position === undefined ? undefined : reply.tokens[position];
  if (!spot || !token)
    return (
      <p className={styles.summary} data-testid="cell">
        <span className={styles.hint}>
          Point at a cell to read it, or walk with the arrow keys; Enter or a click opens it in
          Layers.
        </span>
      </p>
    );
  const { layer, place } = rowOf(spot.state);
  const { unedited, edited, kl } = cellAt(spot.state, spot.column);
  return (
    <p className={styles.summary} data-testid="cell">
      <span>
        {place} layer {layer}, at token {position} <TokenText token={token} chip />
      </span>
      <Run name={edited ? "unedited" : ""} read={unedited} />
      {edited && <Run name="edited" read={edited} />}
      {kl !== null && (
        <span title={String(kl)}>
          KL <b>{formatNats(kl)}</b>
        </span>
      )}
    </p>
  );
}

function Run({ name, read }: { name: string; read: Read }) {
  return (
    <span>
      {name} <TokenText token={read.token} chip />{" "}
      <b title={`probability ${read.prob}`}>{formatProb(read.prob)}</b>, entropy{" "}
      <span title={String(read.entropy)}>{formatNats(read.entropy)}</span>
    </span>
  );
}
