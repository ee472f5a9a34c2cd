/** Tokens as a word cloud or as a table, and both as files. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Download } from "lucide-react";
import {
  type CSSProperties,
  type Ref,
  type RefObject,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Reading, TokenLogit } from "@/api/types";
import { IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { Panel } from "@/components/Panel";
import { Segmented } from "@/components/Segmented";
import { toCsv } from "@/lib/csv";
import { download, fileName, textFile } from "@/lib/download";
import { formatScore } from "@/lib/numbers";
import { savePng, saveSvg } from "@/lib/svg-export";
import { drawingOf } from "@/lib/svg-page";
import { describeToken } from "@/lib/tokens";
import styles from "./CloudPanel.module.css";
import type { Layout } from "./layout";
import { TokenTable } from "./TokenTable";
import { useLayout } from "./useLayout";
import { type CloudWord, cloudWords } from "./words";

/** Widths over heights that clouds are laid out for, so that a window's exact size changes nothing. */
const SHAPES = [0.8, 1.1, 1.6];
/** Small clouds are not blown up to any size. */
const LARGEST_SCALE = 1.5;

const LOOKS = [
  { value: "cloud", label: "Cloud" },
  { value: "table", label: "Table" },
] as const;

interface Props {
  title: string;
  /** What the tokens belong to, for captions and file names. */
  of: string;
  tokens: readonly TokenLogit[];
  reading: Reading;
  /** What their numbers are. */
  measure?: string;
  outdated?: boolean;
  className?: string | undefined;
}

export function CloudPanel({
  title,
  of,
  tokens,
  reading,
  measure = "logit",
  outdated = false,
  className,
}: Props) {
  const [look, setLook] = useState<"cloud" | "table">("cloud");
  const svg = useRef<SVGSVGElement>(null);
  const words = useMemo(() => cloudWords(tokens), [tokens]);
  const name = fileName(of, "tokens");
  const csv = () => {
    const rows = tokens.map(({ id, text, hex, logit }) => [id, text, hex, logit]);
    download(`${name}.csv`, textFile(toCsv(["id", "token", "hex", "logit"], rows), "text/csv"));
  };
  return (
    <Panel
      title={title}
      className={className}
      reading={reading}
      note={`${tokens.length} tokens, sized by ${measure}`}
      tools={
        <>
          <Segmented
            label="Show the tokens as"
            value={look}
            options={LOOKS}
            onChange={(next) => setLook(next)}
          />
          <SaveMenu
            onSvg={
              look === "cloud" ? () => svg.current && saveSvg(name, drawingOf(svg.current)) : null
            }
            onPng={
              look === "cloud"
                ? () => svg.current && void savePng(name, drawingOf(svg.current))
                : null
            }
            onCsv={csv}
          />
        </>
      }
    >
      <div className={styles.body} data-outdated={outdated || undefined}>
        {look === "cloud" && <Cloud words={words} measure={measure} svg={svg} />}
        {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it */}
        <div
          className={look === "cloud" ? "visually-hidden" : styles.table}
          tabIndex={look === "cloud" ? undefined : 0}
        >
          <TokenTable caption={`${title} of ${of}`} tokens={tokens} />
        </div>
        {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: the arrow keys scroll it */}
      </div>
    </Panel>
  );
}

function Cloud({ words, measure, svg }: Omit<DrawingProps, "layout">) {
  const place = useRef<HTMLDivElement>(null);
  const { data, error } = useLayout(words, useShape(place));
  if (error)
    return (
      <p className={styles.failed}>This browser cannot draw the cloud; the table has it all.</p>
    );
  return (
    <div ref={place} className={styles.place}>
      {data && <Drawing words={words} measure={measure} layout={data} svg={svg} />}
    </div>
  );
}

/** The nearest of the shapes to the room there is. */
function useShape(place: RefObject<HTMLElement | null>): number | null {
  const [shape, setShape] = useState<number | null>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const ratio = element.clientWidth / Math.max(element.clientHeight, 1);
      const distance = (each: number) => Math.abs(Math.log(each / ratio));
      setShape(SHAPES.reduce((best, each) => (distance(each) < distance(best) ? each : best)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [place]);
  return shape;
}

interface DrawingProps {
  words: readonly CloudWord[];
  measure: string;
  layout: Layout;
  svg: Ref<SVGSVGElement>;
}

function Drawing({ words, measure, layout, svg }: DrawingProps) {
  const { x, y, width, height } = layout.box;
  return (
    <svg
      ref={svg}
      className={styles.cloud}
      viewBox={`${x} ${y} ${width} ${height}`}
      style={{ maxWidth: width * LARGEST_SCALE, maxHeight: height * LARGEST_SCALE }}
      data-testid="cloud"
      aria-hidden
    >
      {words.map(({ token, parts, share }, index) => {
        const at = layout.places[index];
        if (!at?.size) return null;
        return (
          <text
            key={token.id}
            className={token.hex ? `${styles.word} ${styles.bytes}` : styles.word}
            x={at.x}
            y={at.y}
            fontSize={at.size}
            style={{ "--share": share } as CSSProperties}
          >
            <title>{`${describeToken(token)}, ${measure} ${formatScore(token.logit)}`}</title>
            {parts.map(({ text, faint }, part) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a word never move
              <tspan key={part} className={faint ? styles.faint : undefined}>
                {text}
              </tspan>
            ))}
          </text>
        );
      })}
    </svg>
  );
}

interface SaveProps {
  onSvg: (() => void) | null;
  onPng: (() => void) | null;
  onCsv(): void;
}

function SaveMenu({ onSvg, onPng, onCsv }: SaveProps) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label="Save as a file">
          <Download aria-hidden />
        </IconButton>
      </Menu.Trigger>
      <MenuContent align="end">
        {onSvg && (
          <Menu.Item className={menu.item} onSelect={onSvg}>
            <span className={menu.main}>SVG</span>
            <span className={menu.aside}>drawing</span>
          </Menu.Item>
        )}
        {onPng && (
          <Menu.Item className={menu.item} onSelect={onPng}>
            <span className={menu.main}>PNG</span>
            <span className={menu.aside}>picture</span>
          </Menu.Item>
        )}
        <Menu.Item className={menu.item} onSelect={onCsv}>
          <span className={menu.main}>CSV</span>
          <span className={menu.aside}>table</span>
        </Menu.Item>
      </MenuContent>
    </Menu.Root>
  );
}
