/**
 * Drawings as files. A drawing is the text of an SVG that needs nothing of the page: colours, fonts
 * and size are its own, and its text is text.
 */

import { download, textFile } from "./download";

const SVG_TYPE = "image/svg+xml";
/** Pixels of the PNG per unit of the drawing: 300 dpi at 96 units to the inch. */
const PNG_SCALE = 300 / 96;

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Control characters, halves of surrogate pairs and non-characters: XML knows no way to write them. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Text as XML may hold it. */
export const escapeXml = (text: string): string =>
  text.replace(UNWRITABLE, "\ufffd").replace(/[&<>"]/g, (char) => ESCAPES[char] ?? char);

export type Attributes = Record<string, string | number>;

/** One element, as text. `content` is XML already: words go through `escapeXml`. */
export function element(name: string, attributes: Attributes, ...content: string[]): string {
  const all = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escapeXml(`${value}`)}"`,
  );
  const head = `<${name}${all.join("")}`;
  return content.length > 0 ? `${head}>${content.join("")}</${name}>` : `${head}/>`;
}

/** A whole drawing of that size on a ground of its own. */
export const drawing = (
  width: number,
  height: number,
  attributes: Attributes,
  ...content: string[]
): string =>
  element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      ...attributes,
    },
    element("rect", { width, height, fill: "#fff" }),
    ...content,
  );

export function saveSvg(name: string, svg: string): void {
  download(`${name}.svg`, textFile(svg, SVG_TYPE));
}

/** Rejects where the browser cannot draw it. */
export async function savePng(name: string, svg: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([svg], { type: SVG_TYPE }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.naturalWidth * PNG_SCALE);
    canvas.height = Math.round(image.naturalHeight * PNG_SCALE);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
    if (!blob) throw new Error("this drawing is too large for an image");
    download(`${name}.png`, blob);
  } finally {
    URL.revokeObjectURL(url);
  }
}
