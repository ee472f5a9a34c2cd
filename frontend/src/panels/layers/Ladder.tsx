/** The whole model at a glance: the top token after each layer. Choosing one scrolls to it. */

import { memo, useCallback } from "react";
import type { State, TraceReply } from "@/api/types";
import { ReadingName } from "@/components/ReadingName";
import { TokenText } from "@/components/Token";
import { barStyle } from "@/lib/bars";
import { formatNats, formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import { moveOver, scrollToLayer, useLayers } from "@/state/layers";
import type { Reading } from "@/state/session";
import styles from "./Ladder.module.css";

interface Props {
  reply: TraceReply;
  reading: Reading;
  outdated: boolean;
}

export const Ladder = memo(function Ladder({ reply, reading, outdated }: Props) {
  const unedited = reply.unedited.positions[0]?.layers ?? [];
  const edited = reading === "unedited" ? null : reply.edited?.positions[0]?.layers;
  const kl = edited ? reply.comparison?.[0]?.layers.map((layer) => layer.after.kl) : undefined;
  const states = (edited ?? unedited).map((layer) => layer.after);
  const open = useLayers((state) => state.over?.layer);
  const top = useLayers((state) => state.top);
  const choose = useCallback((layer: number) => {
    scrollToLayer(layer);
    // What stands in the list's place is about another layer then.
    moveOver(layer);
  }, []);
  const largest = Math.max(0, ...(kl ?? []));
  return (
    <nav className={styles.ladder} aria-label="Top token after each layer">
      <h2 className={styles.title}>
        Ladder <ReadingName reading={reply.reading} />
        {kl && <small title="KL(edited ‖ unedited) after each layer, in nats">KL</small>}
      </h2>
      <ol className={styles.list} data-outdated={outdated || undefined}>
        {states.map((state, layer) => (
          <Rung
            // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
            key={layer}
            layer={layer}
            state={state}
            changed={state.top[0]?.id !== (states[layer - 1] ?? state).top[0]?.id}
            other={edited ? unedited[layer]?.after : undefined}
            kl={kl?.[layer]}
            largest={largest}
            current={layer === (open ?? top ?? 0)}
            onChoose={choose}
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
  /** KL(edited ‖ unedited), in nats. */
  kl: number | undefined;
  largest: number;
  current: boolean;
  onChoose(layer: number): void;
}

/** Scrolling makes another one the current one, and leaves the others as they are. */
const Rung = memo(function Rung(props: RungProps) {
  const { layer, state, changed, other, kl, largest, current, onChoose } = props;
  const top = state.top[0];
  const before = other?.top[0];
  if (!top) return null;
  const differs = before !== undefined && before.id !== top.id;
  return (
    <li>
      <button
        type="button"
        className={styles.rung}
        data-changed={changed || undefined}
        aria-current={current || undefined}
        onClick={() => onChoose(layer)}
      >
        <span className={styles.number}>
          <span className="visually-hidden">Layer </span>
          {layer}
        </span>
        <span className={styles.reading} style={barStyle(top.prob)}>
          <span className={styles.token}>
            <TokenText token={top} />
          </span>
          {differs && (
            <span className={styles.differs} title={`unedited: ${describeToken(before)}`}>
              ≠
            </span>
          )}
          <span className={styles.prob}>{formatProb(top.prob)}</span>
        </span>
        {kl !== undefined && <Divergence kl={kl} share={largest > 0 ? kl / largest : 0} />}
      </button>
    </li>
  );
});

/** How far a layer has moved, beside the others; its number stands in the layer. */
function Divergence({ kl, share }: { kl: number; share: number }) {
  return (
    <span className={styles.kl} style={barStyle(share)} title={`KL(edited ‖ unedited) ${kl} nats`}>
      <span className="visually-hidden">, KL {formatNats(kl)}</span>
    </span>
  );
}
