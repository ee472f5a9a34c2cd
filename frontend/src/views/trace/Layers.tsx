/** The Layers panel: every layer of the traced position, in the reading that was chosen. */

import { type KeyboardEvent, type Ref, useMemo } from "react";
import type { TraceReply } from "@/api/types";
import { Panel } from "@/components/Panel";
import { Segmented } from "@/components/Segmented";
import { TokenText } from "@/components/Token";
import { type Reading, useSession } from "@/state/session";
import { LayerRow } from "./LayerRow";
import styles from "./Layers.module.css";
import { PanelTabs } from "./PanelTabs";

interface Props {
  reply: TraceReply;
  outdated: boolean;
  pending: boolean;
  bodyRef: Ref<HTMLDivElement>;
}

/** What the layers show: the chosen reading, or the only run there is. */
export function useReading(reply: TraceReply | null): Reading {
  const reading = useSession((state) => state.reading);
  return reply?.edited ? reading : "unedited";
}

const OPTIONS = [
  { value: "unedited", label: "Unedited" },
  { value: "edited", label: "Edited" },
  { value: "difference", label: "Difference" },
] as const;

/** Up and down walk through all sub-updates, so that Tab need not. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const here = event.target;
  if (!step || !(here instanceof HTMLElement) || !here.matches("[data-sub-update]")) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-sub-update]")];
  const next = all[all.indexOf(here) + step];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

export function Layers({ reply, outdated, pending, bodyRef }: Props) {
  const reading = useReading(reply);
  const position = reply.positions[0] ?? 0;
  const token = reply.tokens[position];
  const unedited = reply.unedited.positions[0];
  const edited = reply.edited?.positions[0] ?? null;
  const rows = useMemo(
    () =>
      unedited?.layers.map((layer, index) => (
        <LayerRow
          key={layer.layer}
          unedited={layer}
          edited={edited?.layers[index] ?? null}
          reading={reading}
        />
      )),
    [unedited, edited, reading],
  );
  return (
    <Panel
      title="Layers"
      tabs={<PanelTabs />}
      className={styles.panel}
      bodyRef={bodyRef}
      busy={pending}
      note={
        token && (
          <>
            after token {position} <TokenText token={token} chip />
            {outdated && (
              <span className={styles.outdated}>
                {pending ? "out of date, tracing…" : "out of date"}
              </span>
            )}
          </>
        )
      }
      tools={
        reply.edited && (
          <Segmented
            label="Which run the layers show"
            value={reading}
            options={OPTIONS}
            onChange={useSession.getState().setReading}
          />
        )
      }
    >
      <div className={styles.columns} aria-hidden>
        <span />
        <span>Before</span>
        <span className={styles.middle}>
          Dominant sub-updates <small>coef.</small> <small>score</small>
        </span>
        <span>After</span>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys of the buttons inside */}
      <div onKeyDown={walk}>
        <ol data-outdated={outdated || undefined} data-testid="layers">
          {rows}
        </ol>
      </div>
    </Panel>
  );
}
