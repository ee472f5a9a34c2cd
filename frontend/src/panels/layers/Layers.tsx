/** The Layers panel: every layer of the traced position, in the reading that was chosen. */

import {
  memo,
  type RefObject,
  Suspense,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
} from "react";
import type { TraceReply } from "@/api/types";
import { Panel } from "@/components/Panel";
import { PanelNote } from "@/components/PanelNote";
import { PanelTabs } from "@/components/PanelTabs";
import { ReadingSwitch } from "@/components/ReadingSwitch";
import { walk } from "@/lib/walk";
import { useLetters } from "@/state/followed";
import { closeOver, useLayers } from "@/state/layers";
import { useLayerPanel } from "@/state/panels";
import { type Reading, useSession } from "@/state/session";
import { LayerPlace, LayerRow } from "./LayerRow";
import styles from "./Layers.module.css";
import type { LayerData, Shared } from "./layerData";
import { SaveTrace } from "./SaveTrace";

interface Props {
  reply: TraceReply;
  outdated: boolean;
  pending: boolean;
}

/** What the layers show: the chosen reading, or the only run there is. */
export function useReading(reply: TraceReply | null): Reading {
  const reading = useSession((state) => state.reading);
  return reply?.edited ? reading : "unedited";
}

export function Layers({ reply, outdated, pending }: Props) {
  const position = reply.positions[0] ?? 0;
  const reading = useReading(reply);
  const over = useLayers((state) => state.over);
  const Over = useLayerPanel(over?.panel)?.Show;
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => closeOver, []);
  useTop(body);
  return (
    <div className={styles.place}>
      <div className={styles.list} inert={Over !== undefined}>
        <Panel
          title="Layers"
          tabs={<PanelTabs />}
          className={styles.panel}
          reading={reply.reading}
          bodyRef={body}
          busy={pending}
          note={
            <PanelNote
              at={{ position, token: reply.tokens[position] }}
              outdated={outdated}
              pending={pending}
            />
          }
          tools={
            <>
              {reply.edited && <ReadingSwitch label="Which run the layers show" />}
              <SaveTrace reply={reply} />
            </>
          }
        >
          <Columns compared={reading === "difference"} />
          <LayerList reply={reply} outdated={outdated} />
        </Panel>
      </div>
      {over && Over && (
        <Suspense>
          <Over layer={Math.min(over.layer, layersOf(reply).length - 1)} />
        </Suspense>
      )}
    </div>
  );
}

/** The heads of the columns stay above the layers. */
const HEAD = 30;

/** Tells where the list stands as it scrolls, and that it has gone. */
function useTop(body: RefObject<HTMLDivElement | null>): void {
  useEffect(() => {
    const box = body.current;
    if (!box) return;
    const look = () => {
      const edge = box.getBoundingClientRect().top + HEAD;
      const rows = [...box.querySelectorAll<HTMLElement>("li[data-layer]")];
      // Of what is about to leave a little may still be in sight.
      const row = rows.find((each) => each.getBoundingClientRect().bottom > edge + HEAD);
      const begun = row !== undefined && row.getBoundingClientRect().top < edge - 4;
      useLayers.setState({ top: Number(row?.dataset.layer ?? 0), begun });
    };
    look();
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      box.removeEventListener("scroll", look);
      useLayers.setState({ top: null });
    };
  }, [body]);
}

function Columns({ compared }: { compared: boolean }) {
  const legend = compared && (
    <small className={styles.legend}>
      <i /> unedited <i /> edited
    </small>
  );
  return (
    <div className={styles.columns} data-compared={compared || undefined} aria-hidden>
      <span />
      <span>Before {legend}</span>
      <span className={styles.middle}>
        Dominant sub-updates <small>coef.</small> <small>score</small>
      </span>
      <span>After {legend}</span>
    </div>
  );
}

function layersOf(reply: TraceReply): LayerData[] {
  const edited = reply.edited?.positions[0]?.layers;
  const compared = reply.comparison?.[0]?.layers;
  return (reply.unedited.positions[0]?.layers ?? []).map((unedited, index) => ({
    unedited,
    edited: edited?.[index] ?? null,
    comparison: compared?.[index] ?? null,
  }));
}

/** No layer is less high than its ten rows, and the frame around the list takes its part. */
const LOWEST = 238;
const FRAME = 260;

interface ListProps {
  reply: TraceReply;
  outdated: boolean;
}

/**
 * Layers in sight are drawn at once, the others when the browser has painted those: 36 layers have
 * a thousand rows, of which a few dozen can be seen.
 */
const LayerList = memo(function LayerList({ reply, outdated }: ListProps) {
  const shown = useLayers((state) => state.top) ?? 0;
  const reading = useReading(reply);
  const letters = useLetters();
  const now = useMemo(
    () => ({ layers: layersOf(reply), shared: { reading, letters } satisfies Shared }),
    [reply, reading, letters],
  );
  const later = useDeferredValue(now, null);
  // The first trace is shown from its top; later a layer may be half in sight at either end.
  const last = shown + Math.ceil((innerHeight - FRAME) / LOWEST) - (later ? 0 : 1);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys of the buttons inside
    <div onKeyDown={walk}>
      <ol
        data-outdated={outdated || undefined}
        aria-busy={later !== now || undefined}
        data-testid="layers"
      >
        {now.layers.map((data, index) => {
          const turn = index >= shown - 1 && index <= last ? now : later;
          const own = turn?.layers[index];
          return own ? (
            <LayerRow key={data.unedited.layer} data={own} shared={turn.shared} />
          ) : (
            <LayerPlace key={data.unedited.layer} layer={data.unedited.layer} />
          );
        })}
      </ol>
    </div>
  );
});
