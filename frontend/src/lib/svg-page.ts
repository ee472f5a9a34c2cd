/** A drawing that is on the page, as one of `svg-export`: in the light theme, whatever the page's is. */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const SHAPE = [
  "fill-opacity",
  "stroke-opacity",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "opacity",
];
const TEXT = ["font-family", "font-size", "font-weight", "text-anchor", "text-decoration"];
/** What an element does not say itself unless it differs from this. */
const USUAL: Record<string, string> = {
  "fill-opacity": "1",
  "stroke-opacity": "1",
  "stroke-width": "1px",
  "stroke-dasharray": "none",
  "stroke-linejoin": "miter",
  opacity: "1",
  "font-weight": "400",
  "text-anchor": "start",
};

/** Any CSS colour as `rgb()`, which every program reads. */
function plainColour(colour: string): string {
  if (colour === "none") return colour;
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!context) return colour;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha = 255] = context.getImageData(0, 0, 1, 1).data;
  return alpha === 0 ? "none" : `rgb(${red},${green},${blue})`;
}

/** What the style sheets say of an element, as attributes; null: it is not to be seen. */
function lookOf(element: SVGElement): Record<string, string> | null {
  const style = getComputedStyle(element);
  if (style.display === "none" || style.visibility !== "visible") return null;
  if (element.localName === "g") return {};
  const isText = element.localName === "text" || element.localName === "tspan";
  const said = [...SHAPE, ...(isText ? TEXT : [])].flatMap((name) => {
    const value = style.getPropertyValue(name);
    return value && value !== USUAL[name] && !value.startsWith("none") ? [[name, value]] : [];
  });
  const stroke = plainColour(style.stroke);
  return {
    fill: plainColour(style.fill),
    ...(stroke === "none" ? {} : { stroke }),
    ...Object.fromEntries(said),
  };
}

const OF_THE_PAGE = /^(class|style|role|tabindex|data-.*|aria-.*)$/;

function settled(svg: SVGSVGElement): string {
  const drawn = [...svg.querySelectorAll<SVGElement>("*:not(title)")];
  // All are read before any is changed: they inherit from one another.
  const looks = drawn.map(lookOf);
  for (const [index, element] of drawn.entries()) {
    const look = looks[index];
    if (!look) {
      element.remove();
      continue;
    }
    for (const name of element.getAttributeNames())
      if (OF_THE_PAGE.test(name)) element.removeAttribute(name);
    for (const [name, value] of Object.entries(look)) element.setAttribute(name, value);
  }
  const { x, y, width, height } = svg.viewBox.baseVal;
  for (const name of svg.getAttributeNames()) if (name !== "viewBox") svg.removeAttribute(name);
  svg.setAttribute("xmlns", SVG_NAMESPACE);
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(height));
  const ground = document.createElementNS(SVG_NAMESPACE, "rect");
  for (const [key, value] of Object.entries({ x, y, width, height, fill: "#fff" }))
    ground.setAttribute(key, String(value));
  svg.prepend(ground);
  return new XMLSerializer().serializeToString(svg);
}

/** The drawing must have a `viewBox`. It is laid out once more, out of sight, to be read. */
export function drawingOf(svg: SVGSVGElement): string {
  const stage = document.createElement("div");
  Object.assign(stage.style, { position: "fixed", left: "-10000px", colorScheme: "light" });
  const copy = svg.cloneNode(true) as SVGSVGElement;
  stage.append(copy);
  svg.parentElement?.append(stage);
  try {
    return settled(copy);
  } finally {
    stage.remove();
  }
}
