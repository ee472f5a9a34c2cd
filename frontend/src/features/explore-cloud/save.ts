/** A cloud as a file: SVG with colours and fonts of its own, PNG drawn anew on a canvas. */

import { download, textFile } from "@/lib/download";

const PNG_SCALE = 3;
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** Any CSS colour as `rgb()`, which every program reads. */
function plainColour(colour: string): string {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!context) return colour;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${red},${green},${blue})`;
}

const groundOf = (element: Element): string => {
  const surface = element.closest("section") ?? document.body;
  return plainColour(getComputedStyle(surface).backgroundColor);
};

export function svgText(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const { x, y, width, height } = svg.viewBox.baseVal;
  for (const own of ["class", "style", "aria-hidden", "data-testid"]) copy.removeAttribute(own);
  copy.setAttribute("xmlns", SVG_NAMESPACE);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  const originals = svg.querySelectorAll("text, tspan");
  copy.querySelectorAll("text, tspan").forEach((text, index) => {
    const original = originals[index];
    if (!original) return;
    const { color, fontFamily } = getComputedStyle(original);
    text.removeAttribute("class");
    text.removeAttribute("style");
    text.setAttribute("fill", plainColour(color));
    if (text.localName === "tspan") return;
    text.setAttribute("font-family", fontFamily);
    text.setAttribute("text-anchor", "middle");
  });
  const ground = document.createElementNS(SVG_NAMESPACE, "rect");
  for (const [key, value] of Object.entries({ x, y, width, height, fill: groundOf(svg) }))
    ground.setAttribute(key, String(value));
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

export function saveSvg(svg: SVGSVGElement, name: string): void {
  download(`${name}.svg`, textFile(svgText(svg), "image/svg+xml"));
}

export function savePng(svg: SVGSVGElement, name: string): void {
  const { x, y, width, height } = svg.viewBox.baseVal;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * PNG_SCALE);
  canvas.height = Math.round(height * PNG_SCALE);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(PNG_SCALE, PNG_SCALE);
  context.translate(-x, -y);
  context.fillStyle = groundOf(svg);
  context.fillRect(x, y, width, height);
  for (const text of svg.querySelectorAll("text")) drawWord(context, text);
  canvas.toBlob((blob) => blob && download(`${name}.png`, blob), "image/png");
}

function drawWord(context: CanvasRenderingContext2D, text: SVGTextElement): void {
  context.font = `${text.getAttribute("font-size")}px ${getComputedStyle(text).fontFamily}`;
  const parts = [...text.querySelectorAll("tspan")].map((part) => {
    const word = part.textContent ?? "";
    return { part, word, width: context.measureText(word).width };
  });
  const whole = parts.reduce((sum, { width }) => sum + width, 0);
  let left = Number(text.getAttribute("x")) - whole / 2;
  for (const { part, word, width } of parts) {
    context.fillStyle = plainColour(getComputedStyle(part).color);
    context.fillText(word, left, Number(text.getAttribute("y")));
    left += width;
  }
}
