/** All value vectors of a layer. Only the rows in sight exist, and only they ask for their tokens. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useEffect, useRef } from "react";
import { DETAILS_TOP_K, type ReadyModel, valueQuery } from "@/api/queries";
import { Panel } from "@/components/Panel";
import { TokenText } from "@/components/Token";
import { ValueLabel } from "@/components/ValueLabel";
import { formatCount } from "@/lib/numbers";
import { sameValue, valueKey } from "@/lib/values";
import { useSession } from "@/state/session";
import styles from "./VectorList.module.css";

const ROW = 30;
const TOKENS = 12;

interface Props {
  model: ReadyModel;
  layer: number;
  onLayer(layer: number): void;
}

export function VectorList({ model, layer, onLayer }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const selected = useSession((state) =>
    state.selection?.layer === layer && state.selection.dim < model.ffn_width
      ? state.selection.dim
      : null,
  );
  const rows = useVirtualizer({
    count: model.ffn_width,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 4,
  });
  // Every row names its own; they are all the same, and the first in sight is asked for anyhow.
  const first = { layer, dim: rows.getVirtualItems()[0]?.index ?? 0 };
  const { data } = useQuery({
    ...valueQuery(model.id, first, DETAILS_TOP_K),
    enabled: !rows.isScrolling,
    placeholderData: keepPreviousData,
  });
  const arrived = useRef(false);
  useEffect(() => {
    // In the middle at first, then no further than needed as the arrow keys walk on.
    if (selected !== null)
      rows.scrollToIndex(selected, { align: arrived.current ? "auto" : "center" });
    arrived.current = true;
  }, [selected, rows]);
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    const dim = Math.min(Math.max((selected ?? -by) + by, 0), model.ffn_width - 1);
    useSession.getState().select({ layer, dim });
  };
  return (
    <Panel
      title={`Value vectors of layer ${layer}`}
      reading={data?.reading}
      note={`${formatCount(model.ffn_width)} vectors; each with the tokens it promotes most`}
      tools={
        <label className={styles.layer}>
          Layer
          <select value={layer} onChange={(event) => onLayer(Number(event.target.value))}>
            {Array.from({ length: model.n_layers }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
              <option key={index} value={index}>
                {index}
              </option>
            ))}
          </select>
        </label>
      }
      bodyRef={scroller}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: rows are placed by the virtual list */}
      <div
        role="list"
        aria-label={`Value vectors of layer ${layer}`}
        className={styles.list}
        style={{ height: rows.getTotalSize() }}
        onKeyDown={step}
      >
        {rows.getVirtualItems().map((item) => (
          <Row
            key={item.key}
            model={model.id}
            layer={layer}
            dim={item.index}
            top={item.start}
            count={model.ffn_width}
            moving={rows.isScrolling}
          />
        ))}
      </div>
    </Panel>
  );
}

interface RowProps {
  model: string;
  layer: number;
  dim: number;
  top: number;
  count: number;
  moving: boolean;
}

const Row = memo(function Row({ model, layer, dim, top, count, moving }: RowProps) {
  const ref = { layer, dim };
  const current = useSession((state) => sameValue(state.selection, ref));
  const { data, error } = useQuery({ ...valueQuery(model, ref, DETAILS_TOP_K), enabled: !moving });
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows are placed by the virtual list
    <div role="listitem" aria-setsize={count} aria-posinset={dim + 1}>
      <button
        type="button"
        className={styles.row}
        style={{ transform: `translateY(${top}px)` }}
        aria-current={current || undefined}
        data-value={valueKey(ref)}
        onClick={() => useSession.getState().select(ref)}
      >
        <span className={styles.label}>
          <ValueLabel value={ref} />
        </span>
        <span className={styles.tokens}>
          {data ? (
            data.promoted
              .slice(0, TOKENS)
              .map((token) => <TokenText key={token.id} token={token} chip />)
          ) : error ? (
            <span className={styles.failed}>{error.message}</span>
          ) : (
            "…"
          )}
        </span>
      </button>
    </div>
  );
});
