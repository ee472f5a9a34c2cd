/** Where each word of a cloud goes. The same words always get the same places. */

import cloud from "d3-cloud";
import { seededRandom } from "@/lib/random";

export interface LayoutRequest {
  words: readonly { text: string; size: number }[];
  /** Width over height of the drawing. */
  shape: number;
  /** Font family, as CSS writes it. */
  font: string;
}

export interface Place {
  /** Middle of the word and its baseline, from the middle of the drawing. */
  x: number;
  y: number;
  size: number;
}

export interface Layout {
  /** One for each word, in their order. */
  places: readonly Place[];
  /** What the words cover. */
  box: { x: number; y: number; width: number; height: number };
}

const SEED = 20_220_412;
/** Of the first try's area, this much is covered by words. */
const FILL = 0.62;
const GROWTH = 1.1;
const TRIES = 16;
const PADDING = 2;
/** Room of a letter in a monospaced face, in font sizes. */
const LETTER = 0.6 * 1.1;
/** d3-cloud keeps a row of its board in words of 32 bits. */
const BLOCK = 32;
const MARGIN = 6;

/** What d3-cloud adds to a word. */
interface Laid extends cloud.Word {
  index: number;
  x0?: number;
  x1?: number;
  y0?: number;
  y1?: number;
}

/** Words that find no place are left out by d3-cloud: the area grows until all have found one. */
export function layoutCloud(request: LayoutRequest, canvas: () => unknown): Layout {
  const { words, shape } = request;
  const covered = words.reduce((sum, { text, size }) => sum + text.length * LETTER * size ** 2, 0);
  let height = Math.sqrt(covered / FILL / shape);
  let laid = attempt(request, height, canvas);
  for (let tries = 1; tries < TRIES && laid.length < words.length; tries += 1) {
    height *= GROWTH;
    laid = attempt(request, height, canvas);
  }
  const places: Place[] = words.map(() => ({ x: 0, y: 0, size: 0 }));
  for (const { index, x = 0, y = 0, size = 0 } of laid) places[index] = { x, y, size };
  return { places, box: boxOf(laid) };
}

function attempt(request: LayoutRequest, height: number, canvas: () => unknown): Laid[] {
  const { words, shape, font } = request;
  let laid: Laid[] = [];
  cloud<Laid>()
    .canvas(canvas as () => HTMLCanvasElement)
    .size([Math.ceil((height * shape) / BLOCK) * BLOCK, Math.ceil(height)])
    .words(words.map(({ text, size }, index) => ({ text, size, index })))
    .font(font)
    .fontSize(({ size }) => size ?? 0)
    .padding(PADDING)
    .rotate(0)
    .random(seededRandom(SEED))
    .on("end", (placed) => {
      laid = placed;
    })
    .start();
  return laid;
}

function boxOf(laid: readonly Laid[]): Layout["box"] {
  const left = Math.min(0, ...laid.map(({ x = 0, x0 = 0 }) => x + x0)) - MARGIN;
  const right = Math.max(0, ...laid.map(({ x = 0, x1 = 0 }) => x + x1)) + MARGIN;
  const top = Math.min(0, ...laid.map(({ y = 0, y0 = 0 }) => y + y0)) - MARGIN;
  const bottom = Math.max(0, ...laid.map(({ y = 0, y1 = 0 }) => y + y1)) + MARGIN;
  return { x: left, y: top, width: right - left, height: bottom - top };
}
