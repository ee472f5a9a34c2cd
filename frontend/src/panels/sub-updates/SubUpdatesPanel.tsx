/**
 * All sub-updates of one layer, in the place of the list of layers, which waits behind it as it was:
 * the ladder beside it chooses another layer, details stand where they stand.
 */

import { ChevronDown, ChevronUp, Download, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { SubUpdatesReply, Token } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { PanelNote } from "@/components/PanelNote";
import { Segmented } from "@/components/Segmented";
import { TokenText } from "@/components/Token";
import { TokenPicker } from "@/components/tokens/TokenPicker";
import { download, fileName, textFile } from "@/lib/download";
import { formatCount, formatShare } from "@/lib/numbers";
import { useTokenTexts } from "@/state/followed";
import { closeOver, moveOver } from "@/state/layers";
import { useReadyModel } from "@/state/model";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { List } from "./SubUpdateList";
import styles from "./SubUpdatesPanel.module.css";
import { subUpdatesCsv } from "./table";
import { type Sort, useAsked, useSubUpdates } from "./useSubUpdates";

export function SubUpdatesPanel({ layer }: { layer: number }) {
  const frame = useFocus(layer);
  const { reply: trace } = useTrace();
  const edited = useSession((state) => state.reading) !== "unedited";
  const [sort, setSort] = useState<Sort>("score");
  const [versus, setVersus] = useState(true);
  const { a, b } = useAsked(versus);
  const view = useSubUpdates({ layer, edited, sort, a, b });
  const position = trace?.positions[0] ?? 0;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    closeOver();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape, from anything inside
    <div ref={frame} className={styles.frame} tabIndex={-1} onKeyDown={onKeyDown}>
      <Panel
        title={`Sub-updates of layer ${layer}`}
        className={styles.panel}
        busy={view.pending}
        note={
          <>
            {trace?.edited && (edited ? "edited run, " : "unedited run, ")}
            <PanelNote
              at={{ position, token: trace?.tokens[position] }}
              outdated={view.outdated}
              pending={view.pending}
            />
          </>
        }
        tools={<Tools layer={layer} reply={view.reply} />}
      >
        <Question
          sort={sort}
          onSort={setSort}
          versus={versus}
          onVersus={setVersus}
          reply={view.reply}
        />
        {view.error ? (
          <div className={styles.error}>
            <Failure error={view.error} onRetry={view.retry} />
          </div>
        ) : (
          !view.reply && (
            <p className={styles.waiting} role="status">
              Reading the sub-updates of layer {layer}…
            </p>
          )
        )}
        {view.reply && (
          <>
            <List reply={view.reply} outdated={view.outdated} />
            <More {...view} reply={view.reply} />
          </>
        )}
      </Panel>
    </div>
  );
}

/** The keyboard's focus comes with the panel, and goes back to what opened it. */
function useFocus(layer: number) {
  const frame = useRef<HTMLDivElement>(null);
  const last = useRef(layer);
  useEffect(() => {
    last.current = layer;
  }, [layer]);
  useEffect(() => {
    frame.current?.focus({ preventScroll: true });
    return () => {
      // The list can take the focus again with the next frame.
      requestAnimationFrame(() => {
        if (document.activeElement && document.activeElement !== document.body) return;
        document.querySelector<HTMLElement>(`[data-all-of="${last.current}"]`)?.focus();
      });
    };
  }, []);
  return frame;
}

function Tools({ layer, reply }: { layer: number; reply: SubUpdatesReply | null }) {
  const layers = useReadyModel()?.n_layers ?? 1;
  return (
    <>
      <IconButton
        label="Layer before"
        keys="k"
        disabled={layer === 0}
        onClick={() => moveOver(layer - 1)}
      >
        <ChevronUp aria-hidden />
      </IconButton>
      <IconButton
        label="Layer after"
        keys="j"
        disabled={layer >= layers - 1}
        onClick={() => moveOver(layer + 1)}
      >
        <ChevronDown aria-hidden />
      </IconButton>
      {reply && (
        <IconButton
          label="Save the sub-updates as CSV"
          onClick={() =>
            download(
              `${fileName("sub-updates", "layer", reply.layer)}.csv`,
              textFile(subUpdatesCsv(reply), "text/csv"),
            )
          }
        >
          <Download aria-hidden />
        </IconButton>
      )}
      <IconButton label="Back to all layers" keys="escape" onClick={closeOver}>
        <X aria-hidden />
      </IconButton>
    </>
  );
}

interface QuestionProps {
  sort: Sort;
  onSort(sort: Sort): void;
  versus: boolean;
  onVersus(versus: boolean): void;
  reply: SubUpdatesReply | null;
}

/** By what they are sorted, and the tokens on which their effect is read. */
function Question({ sort, onSort, versus, onVersus, reply }: QuestionProps) {
  const tokens = useSession((state) => state.tokens);
  const [picked, setPicked] = useState<readonly Token[]>([]);
  const known = [reply?.token, reply?.against].flatMap((token) => token ?? []);
  const texts = useTokenTexts(null, [...picked, ...known]);
  const none = tokens.length === 0;
  return (
    <div className={styles.question}>
      <div className={styles.controls}>
        <Segmented
          label="Sort by"
          value={none ? "score" : sort}
          options={[
            { value: "score", label: "By score" },
            { value: "effect", label: "By effect", disabled: none },
          ]}
          onChange={onSort}
        />
        <TokenPicker texts={texts} onPick={(token) => setPicked((all) => [...all, token])} />
        {tokens.length > 1 && (
          <label className={styles.versus}>
            <input
              type="checkbox"
              checked={versus}
              onChange={(event) => onVersus(event.target.checked)}
            />
            A rather than B
          </label>
        )}
      </div>
      <p className={styles.note}>
        {reply?.token ? (
          <>
            Effect: what each adds directly to the logit of <TokenText token={reply.token} chip />
            {reply.against && (
              <>
                {" "}
                minus that of <TokenText token={reply.against} chip />
              </>
            )}
            , the final norm’s statistics held as they are (exact reading; later layers’ answers to
            it are not in it).
          </>
        ) : (
          "Choose a token to see what each sub-update adds directly to its logit, and to sort by it."
        )}
      </p>
    </div>
  );
}

interface MoreProps {
  reply: SubUpdatesReply;
  most: number;
  wanted: number;
  pending: boolean;
  more(): void;
}

function More({ reply, most, wanted, pending, more }: MoreProps) {
  const n = reply.sub_updates.length;
  const share = reply.sub_updates.reduce((sum, update) => sum + update.share, 0);
  const waiting = pending && wanted > n;
  const all = n >= reply.n_sub_updates;
  return (
    <div className={styles.more}>
      <p>
        {all ? `All ${formatCount(n)}` : `${formatCount(n)} of ${formatCount(reply.n_sub_updates)}`}{" "}
        sub-updates, {formatShare(all ? 1 : share)} of the sum of all scores.
        {!all && wanted >= most && !waiting && " The server lists no more at a time."}
      </p>
      {wanted < most && (
        <Button disabled={waiting} onClick={more}>
          {waiting ? "Fetching more…" : `Show ${Math.min(50, most - wanted)} more`}
        </Button>
      )}
    </div>
  );
}
