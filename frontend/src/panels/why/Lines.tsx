/** The followed tokens through the layers: as a chart with its cursor, or as a table. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Download } from "lucide-react";
import { type RefObject, useMemo, useRef, useState } from "react";
import type { FollowReply } from "@/api/types";
import { IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { ReadingName } from "@/components/ReadingName";
import { Segmented } from "@/components/Segmented";
import { download, fileName, textFile } from "@/lib/download";
import { savePng, saveSvg } from "@/lib/svg-export";
import { drawingOf } from "@/lib/svg-page";
import { openLayer } from "@/state/layers";
import { useNotice } from "@/state/notice";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { CursorTable } from "./CursorTable";
import { LineChart } from "./LineChart";
import styles from "./Lines.module.css";
import { LinesTable } from "./LinesTable";
import { axisOf, describeValues, linesCsv, linesOf, type Measure, type Scale } from "./lines";

const MEASURES = [
  { value: "probability", label: "Probability" },
  { value: "logit", label: "Logit" },
  { value: "rank", label: "Rank" },
] as const;
const SCALES = [
  { value: "linear", label: "Linear" },
  { value: "log", label: "Log" },
] as const;
const LOOKS = [
  { value: "chart", label: "Chart" },
  { value: "table", label: "Table" },
] as const;

export function Lines({ reply, outdated }: { reply: FollowReply; outdated: boolean }) {
  const ids = useSession((state) => state.tokens);
  const [measure, setMeasure] = useState<Measure>("probability");
  const [scale, setScale] = useState<Scale>("linear");
  const [look, setLook] = useState<"chart" | "table">("chart");
  const [pointed, setPointed] = useState<number | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const lines = useMemo(() => linesOf(reply, ids, measure), [reply, ids, measure]);
  const axis = useMemo(() => axisOf(lines, measure, scale), [lines, measure, scale]);
  const states = reply.unedited[0]?.probs.length ?? 0;
  const cursor = Math.min(pointed ?? states - 1, states - 1);
  return (
    <section className={styles.section} aria-label="Through the layers">
      <header className={styles.head}>
        <h3>Through the layers</h3>
        <ReadingName reading={reply.reading} />
        <Segmented
          label="What the lines show"
          value={measure}
          options={MEASURES}
          onChange={(next) => setMeasure(next)}
        />
        {measure === "probability" && (
          <Segmented
            label="Scale of the probability"
            value={scale}
            options={SCALES}
            onChange={(next) => setScale(next)}
          />
        )}
        <div className={styles.tools}>
          <Segmented
            label="Show the lines as"
            value={look}
            options={LOOKS}
            onChange={(next) => setLook(next)}
          />
          <SaveMenu reply={reply} svg={look === "chart" ? svg : null} />
        </div>
      </header>
      {look === "chart" ? (
        <div className={styles.chart}>
          <LineChart
            lines={lines}
            axis={axis}
            states={states}
            cursor={cursor}
            reading={describeValues(lines, cursor, measure)}
            label={`${measure} of the followed tokens, state by state`}
            measure={measure === "probability" && scale === "log" ? "probability, log" : measure}
            outdated={outdated}
            svg={svg}
            onCursor={setPointed}
            onOpen={(state) => openLayer(state >> 1, useSession.getState().position)}
          />
          <CursorTable lines={lines} state={cursor} measure={measure} outdated={outdated} />
        </div>
      ) : (
        <LinesTable lines={lines} states={states} measure={measure} outdated={outdated} />
      )}
    </section>
  );
}

interface SaveProps {
  reply: FollowReply;
  svg: RefObject<SVGSVGElement | null> | null;
}

/** The drawing without the cursor, which is of the moment. */
function drawingOfChart(svg: SVGSVGElement): string {
  svg.toggleAttribute("data-saving", true);
  try {
    return drawingOf(svg);
  } finally {
    svg.toggleAttribute("data-saving", false);
  }
}

async function save(kind: string, name: string, reply: FollowReply, svg: SVGSVGElement | null) {
  if (kind === "CSV") download(`${name}.csv`, textFile(linesCsv(reply), "text/csv"));
  else if (svg && kind === "SVG") saveSvg(name, drawingOfChart(svg));
  else if (svg) await savePng(name, drawingOfChart(svg));
}

function SaveMenu({ reply, svg }: SaveProps) {
  const { reply: trace } = useTrace();
  const kinds = [
    ...(svg ? [["SVG", "drawing"] as const, ["PNG", "picture"] as const] : []),
    ["CSV", "table"] as const,
  ];
  const onSelect = (kind: string) => {
    const name = fileName("tokens", (trace?.prompt ?? "").slice(0, 40));
    save(kind, name, reply, svg?.current ?? null).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      useNotice.getState().show({ text: `The ${kind} could not be made: ${reason}` });
    });
  };
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label="Save the lines as a file">
          <Download aria-hidden />
        </IconButton>
      </Menu.Trigger>
      <MenuContent align="end">
        {kinds.map(([kind, what]) => (
          <Menu.Item key={kind} className={menu.item} onSelect={() => onSelect(kind)}>
            <span className={menu.main}>{kind}</span>
            <span className={menu.aside}>{what}</span>
          </Menu.Item>
        ))}
      </MenuContent>
    </Menu.Root>
  );
}
