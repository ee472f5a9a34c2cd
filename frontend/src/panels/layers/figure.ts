/**
 * The top token after each layer as a figure for a paper: one row for each layer, one column for each
 * run, and the divergence of the two. Drawn in colours of its own, light whatever the page's theme is.
 */

import type { LayerComparison, State, TraceReply } from "@/api/types";
import { formatNats, formatProb } from "@/lib/numbers";
import { type Attributes, drawing, element, escapeXml } from "@/lib/svg-export";
import { segments, type TokenLike } from "@/lib/tokens";

const ROW = 18;
const TOP = 84;
const MARGIN = 16;
const LAYER = 34;
const RUN = 250;
const DIVERGENCE = 130;
const BAR = 4;
/** Columns of monospaced text at 11 units, an em being 0.6 wide. */
const TOKEN_CHARS = 24;
const PROMPT_CHARS = 70;

const SANS = "Helvetica, Arial, sans-serif";
const MONO = "DejaVu Sans Mono, Menlo, Consolas, monospace";
const INK = "#1d2b30";
const FAINT = "#5c6b70";
const RULE = "#d5dcdd";
const UNEDITED = "#c3cccf";
const EDITED = "#8fd0c4";
const KL = "#a9561b";

/** At most so many characters, of which the last one says that there were more. */
export function cut(text: string, most: number): string {
  const chars = [...text];
  return chars.length <= most ? text : `${chars.slice(0, most - 1).join("")}…`;
}

/** As the page draws it: spaces at the ends, line breaks and bytes made visible. */
export const visible = (token: TokenLike): string =>
  segments(token)
    .map((part) => part.mark ?? part.text)
    .join("");

const words = (x: number, y: number, text: string, more: Attributes = {}): string =>
  element(
    "text",
    { x, y, "font-family": SANS, "font-size": 11, fill: INK, ...more },
    escapeXml(text),
  );

interface Row {
  layer: number;
  unedited: State;
  edited: State | null;
  compared: LayerComparison | null;
}

const rowsOf = (reply: TraceReply): Row[] =>
  (reply.unedited.positions[0]?.layers ?? []).map(({ layer, after }, index) => ({
    layer,
    unedited: after,
    edited: reply.edited?.positions[0]?.layers[index]?.after ?? null,
    compared: reply.comparison?.[0]?.layers[index] ?? null,
  }));

/** Top token and probability of one state, over a bar; bold where it is not the layer's before. */
function reading(x: number, y: number, state: State, before: State | undefined, fill: string) {
  const top = state.top[0];
  if (!top) return "";
  const fresh = before !== undefined && before.top[0]?.id !== top.id;
  const width = Math.round(top.prob * (RUN - 20) * 100) / 100;
  return [
    element("rect", { x, y: y + 2, width, height: ROW - BAR, fill }),
    words(x + 4, y + 13, cut(visible(top), TOKEN_CHARS), {
      "font-family": MONO,
      ...(fresh ? { "font-weight": "bold" } : {}),
    }),
    words(x + RUN - 24, y + 13, formatProb(top.prob), { "text-anchor": "end" }),
  ].join("");
}

function divergence(x: number, y: number, kl: number, largest: number): string {
  const room = DIVERGENCE - 44;
  const width = largest > 0 ? Math.round((kl / largest) * room * 100) / 100 : 0;
  return [
    element("rect", { x, y: y + 4, width, height: ROW - 8, fill: KL }),
    words(x + DIVERGENCE, y + 13, formatNats(kl), { "text-anchor": "end" }),
  ].join("");
}

const edits = (reply: TraceReply): string =>
  reply.interventions
    .map(({ layer, dim, kind, value }) =>
      `L${layer}D${dim} ${kind} ${kind === "on" || kind === "off" ? "" : (value ?? "")}`.trim(),
    )
    .join(", ");

function heading(reply: TraceReply, xs: readonly number[]): string {
  const position = reply.positions[0] ?? 0;
  const token = reply.tokens[position];
  const names = reply.edited
    ? ["unedited", "edited", "KL(edited ‖ unedited), nats"]
    : ["top token, probability"];
  return [
    words(MARGIN, 22, cut(visible({ text: reply.prompt }), PROMPT_CHARS), {
      "font-family": MONO,
      "font-size": 12,
    }),
    words(
      MARGIN,
      38,
      `${reply.model}, top token after each layer, position ${position} (${token ? visible(token) : ""})`,
      { fill: FAINT },
    ),
    reply.edited ? words(MARGIN, 54, cut(`edited: ${edits(reply)}`, 110), { fill: FAINT }) : "",
    words(MARGIN, TOP - 8, "layer", { fill: FAINT }),
    ...xs.map((x, index) => words(x, TOP - 8, names[index] ?? "", { fill: FAINT })),
  ].join("");
}

/** The figure as the text of an SVG. */
export function ladderFigure(reply: TraceReply): string {
  const rows = rowsOf(reply);
  const compared = reply.comparison !== null;
  const left = MARGIN + LAYER;
  const xs = compared ? [left, left + RUN, left + 2 * RUN] : [left];
  const width = compared ? left + 2 * RUN + DIVERGENCE + MARGIN : left + RUN + MARGIN;
  const largest = Math.max(0, ...rows.map((row) => row.compared?.after.kl ?? 0));
  const drawn = rows.map(({ layer, unedited, edited, compared: both }, index) => {
    const y = TOP + index * ROW;
    const before = rows[index - 1];
    return element(
      "g",
      {},
      words(MARGIN + 22, y + 13, `${layer}`, { "text-anchor": "end", fill: FAINT }),
      reading(left, y, unedited, before?.unedited, compared ? UNEDITED : EDITED),
      edited ? reading(left + RUN, y, edited, before?.edited ?? undefined, EDITED) : "",
      both ? divergence(left + 2 * RUN, y, both.after.kl, largest) : "",
    );
  });
  const rules = [left, ...(compared ? [left + RUN, left + 2 * RUN] : [])].map((x) =>
    element("path", { d: `M${x} ${TOP}v${rows.length * ROW}`, stroke: RULE }),
  );
  const height = TOP + rows.length * ROW + MARGIN;
  const title = element("title", {}, escapeXml(`Top token after each layer: ${reply.prompt}`));
  return drawing(
    Math.max(width, 560),
    height,
    { role: "img" },
    title,
    heading(reply, xs),
    ...rules,
    ...drawn,
  );
}
