/** The whole model at a glance: the top token after each layer. Choosing one scrolls to it. */

import { type CSSProperties, memo } from "react";
import type { State, TraceReply } from "@/api/types";
import { TokenText } from "@/components/Token";
import { formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import type { Reading } from "@/state/session";
import styles from "./Ladder.module.css";

interface Props {
  reply: TraceReply;
  reading: Reading;
  outdated: boolean;
  shown: number;
  onChoose(layer: number): void;
}

export const Ladder = memo(function Ladder({ reply, reading, outdated, shown, onChoose }: Props) {
  const unedited = reply.unedited.positions[0]?.layers ?? [];
  const edited = reading === "unedited" ? null : reply.edited?.positions[0]?.layers;
  const states = (edited ?? unedited).map((layer) => layer.after);
  return (
    <nav className={styles.ladder} aria-label="Top token after each layer">
      <h2 className={styles.title}>Ladder</h2>
      <ol className={styles.list} data-outdated={outdated || undefined}>
        {states.map((state, layer) => (
          <Rung
            // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
            key={layer}
            layer={layer}
            state={state}
            changed={state.top[0]?.id !== (states[layer - 1] ?? state).top[0]?.id}
            other={edited ? unedited[layer]?.after : undefined}
            current={layer === shown}
            onChoose={onChoose}
          />
        ))}
      </ol>
    </nav>
  );
});

interface RungProps {
  layer: number;
  state: State;
  changed: boolean;
  other: State | undefined;
  current: boolean;
  onChoose(layer: number): void;
}

function Rung({ layer, state, changed, other, current, onChoose }: RungProps) {
  const top = state.top[0];
  const before = other?.top[0];
  if (!top) return null;
  const differs = before !== undefined && before.id !== top.id;
  return (
    <li>
      <button
        type="button"
        className={styles.rung}
        style={{ "--share": top.prob } as CSSProperties}
        data-changed={changed || undefined}
        aria-current={current || undefined}
        onClick={() => onChoose(layer)}
      >
        <span className={styles.number}>
          <span className="visually-hidden">Layer </span>
          {layer}
        </span>
        <span className={styles.token}>
          <TokenText token={top} />
        </span>
        {differs && (
          <span className={styles.differs} title={`unedited: ${describeToken(before)}`}>
            ≠
          </span>
        )}
        <span className={styles.prob}>{formatProb(top.prob)}</span>
      </button>
    </li>
  );
}
