/** The lens over all positions and layers: what every state of the residual predicts. */

import { Download } from "lucide-react";
import { type CSSProperties, useMemo, useState } from "react";
import { postGrid } from "@/api/client";
import { useLimits } from "@/api/queries";
import type { GridReply } from "@/api/types";
import { IconButton } from "@/components/Button";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { PanelNote } from "@/components/PanelNote";
import { PanelTabs } from "@/components/PanelTabs";
import { ReadingSwitch } from "@/components/ReadingSwitch";
import { Segmented } from "@/components/Segmented";
import { Skeleton } from "@/components/Skeleton";
import { download, fileName, textFile } from "@/lib/download";
import { formatCount, formatNats } from "@/lib/numbers";
import { explainBefore } from "@/lib/words";
import { openLayer } from "@/state/layers";
import { useReadyModel } from "@/state/model";
import { usePanelQuery } from "@/state/panelQuery";
import { type Reading, useSession } from "@/state/session";
import { useAboutPrompt, useTrace } from "@/state/trace";
import { CellSummary } from "./CellSummary";
import { cellsOf, columnsFor, fullOf, gridCsv, type Measure } from "./cells";
import styles from "./GridPanel.module.css";
import { GridTable } from "./GridTable";
import type { Spot } from "./steps";

const MEASURES = [
  { value: "probability", label: "Probability" },
  { value: "entropy", label: "Entropy" },
] as const;

function useGrid() {
  const about = useAboutPrompt();
  const { reply } = useTrace();
  const limit = useLimits().max_positions;
  const positions = columnsFor(reply?.tokens.length ?? 0, limit);
  const asked = JSON.stringify(positions);
  const question = useMemo(
    () => about && { ...about, positions: JSON.parse(asked) as typeof positions },
    [about, asked],
  );
  return usePanelQuery("grid", question, postGrid);
}

export function GridPanel() {
  const { reply, outdated, pending, error, retry } = useGrid();
  const chosen = useSession((state) => state.reading);
  const prompt = useSession((state) => state.prompt);
  return (
    <Panel
      title="Grid"
      tabs={<PanelTabs />}
      busy={pending}
      reading={reply?.reading}
      note={<PanelNote outdated={outdated} pending={pending} />}
      tools={
        <>
          {reply?.edited && <ReadingSwitch label="Which run the grid shows" />}
          {reply && (
            <IconButton
              label="Save the grid as CSV"
              onClick={() =>
                download(
                  `${fileName("grid", (prompt ?? "").slice(0, 40))}.csv`,
                  textFile(gridCsv(reply), "text/csv"),
                )
              }
            >
              <Download aria-hidden />
            </IconButton>
          )}
        </>
      }
    >
      <div className={styles.body}>
        {error && (
          <div className={styles.error}>
            <Failure error={error} onRetry={retry} />
          </div>
        )}
        {reply ? (
          <Grid reply={reply} reading={reply.edited ? chosen : "unedited"} outdated={outdated} />
        ) : (
          pending && <Skeleton />
        )}
      </div>
    </Panel>
  );
}

interface GridProps {
  reply: GridReply;
  reading: Reading;
  outdated: boolean;
}

function Grid({ reply, reading, outdated }: GridProps) {
  const [measure, setMeasure] = useState<Measure>("probability");
  const [withBefore, setWithBefore] = useState(false);
  const [spot, setSpot] = useState<Spot | null>(null);
  const model = useReadyModel();
  const vocabulary = model?.vocab_size ?? 1;
  const position = useSession((state) => state.position);
  const cellAt = useMemo(() => cellsOf(reply), [reply]);
  const full = useMemo(
    () => fullOf(reply, reading, measure, vocabulary),
    [reply, reading, measure, vocabulary],
  );
  const manner = useMemo(
    () => ({ cellAt, reading, measure, full, withBefore }),
    [cellAt, reading, measure, full, withBefore],
  );
  const last = reply.tokens.length - 1;
  return (
    <>
      <div className={styles.bar}>
        {reading !== "difference" && (
          <Segmented
            label="What the cells show"
            value={measure}
            options={MEASURES}
            onChange={(next) => setMeasure(next)}
          />
        )}
        <label className={styles.check} title={explainBefore(model)}>
          <input
            type="checkbox"
            checked={withBefore}
            onChange={(event) => setWithBefore(event.target.checked)}
          />
          Before states too
        </label>
        <Legend reading={reading} measure={measure} full={full} />
      </div>
      {reply.positions.length <= last && (
        <p className={styles.note}>
          The prompt has {formatCount(last + 1)} tokens; the grid shows the last{" "}
          {formatCount(reply.positions.length)}.
        </p>
      )}
      <GridTable
        reply={reply}
        manner={manner}
        traced={position ?? last}
        outdated={outdated}
        onSpot={setSpot}
        onOpen={(row, at) => openLayer(row.layer, at === last ? null : at)}
      />
      <CellSummary reply={reply} spot={spot} cellAt={cellAt} />
    </>
  );
}

const WORDS = { probability: "probability of the top token", entropy: "entropy, nats" };

function Legend({ reading, measure, full }: { reading: Reading; measure: Measure; full: number }) {
  const difference = reading === "difference";
  return (
    <p className={styles.legend}>
      {difference ? "KL(edited ‖ unedited), nats" : WORDS[measure]}
      <span className={styles.scale}>
        0
        <span
          className={styles.ramp}
          style={{ "--full": difference ? "var(--more)" : "var(--prob)" } as CSSProperties}
        />
        {!difference && measure === "probability" ? "1" : formatNats(full)}
      </span>
    </p>
  );
}
