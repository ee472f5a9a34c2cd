/** The sign of each followed token, so that colour is not what tells lines apart. */

type Shape = (x: number, y: number, r: number) => string;

const polygon =
  (...corners: readonly (readonly [number, number])[]): Shape =>
  (x, y, r) =>
    `${corners.map(([dx, dy], i) => `${i ? "L" : "M"}${round(x + dx * r)} ${round(y + dy * r)}`).join("")}Z`;

const round = (value: number): number => Math.round(value * 10) / 10;

const circle: Shape = (x, y, r) => {
  const [left, top] = [round(x - r), round(y)];
  return `M${left} ${top}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
};

/** By place: circle, square, triangle, diamond, triangle on its tip, cross, bar, hourglass. */
const SHAPES: readonly Shape[] = [
  circle,
  polygon([-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]),
  polygon([0, -1.15], [1.1, 0.85], [-1.1, 0.85]),
  polygon([0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]),
  polygon([0, 1.15], [1.1, -0.85], [-1.1, -0.85]),
  polygon(
    [-0.4, -1.2],
    [0.4, -1.2],
    [0.4, -0.4],
    [1.2, -0.4],
    [1.2, 0.4],
    [0.4, 0.4],
    [0.4, 1.2],
    [-0.4, 1.2],
    [-0.4, 0.4],
    [-1.2, 0.4],
    [-1.2, -0.4],
    [-0.4, -0.4],
  ),
  polygon([-0.45, -1.3], [0.45, -1.3], [0.45, 1.3], [-0.45, 1.3]),
  polygon([-1, -1.1], [1, -1.1], [-1, 1.1], [1, 1.1]),
];

/** The outline of a token's mark around a point. */
export const markPath = (index: number, x: number, y: number, r: number): string =>
  (SHAPES[index % SHAPES.length] ?? circle)(x, y, r);

export const seriesColour = (index: number): string => `var(--series-${(index % 8) + 1})`;
