/** Value vectors: one row of a layer's value matrix, written `L12D34` (0-based). */

import { nodeName, outsideShape, parseNode } from "./nodes";

export interface ValueRef {
  layer: number;
  dim: number;
}

/** What must be known of a model to say whether a value vector exists in it. */
export interface Shape {
  n_layers: number;
  ffn_width: number;
}

const nodeOf = ({ layer, dim }: ValueRef) =>
  ({ kind: "value", layer, index: dim, position: null, source: null, dictionary: null }) as const;

export const valueKey = (ref: ValueRef): string => nodeName(nodeOf(ref));

export const sameValue = (a: ValueRef | null, b: ValueRef | null): boolean =>
  a !== null && b !== null && a.layer === b.layer && a.dim === b.dim;

/** Read `L12D34` (any case, surrounding space allowed); null if it is something else. */
export function parseValue(text: string): ValueRef | null {
  const node = parseNode(text);
  if (node?.kind !== "value" || node.position !== null) return null;
  return node.layer === null || node.index === null ? null : { layer: node.layer, dim: node.index };
}

export const inShape = (ref: ValueRef, shape: Shape): boolean => outOfShape(ref, shape) === null;

/** The sentence for a reference that the model does not have; null if it does have it. */
export const outOfShape = (ref: ValueRef, shape: Shape): string | null =>
  outsideShape(nodeOf(ref), shape);

/** The vector before or after one, over the edges of layers; null at the ends of the model. */
export function stepValue({ layer, dim }: ValueRef, by: number, shape: Shape): ValueRef | null {
  const index = layer * shape.ffn_width + dim + by;
  if (index < 0 || index >= shape.n_layers * shape.ffn_width) return null;
  return { layer: Math.floor(index / shape.ffn_width), dim: index % shape.ffn_width };
}

export type Checked = { ref: ValueRef; problem: null } | { ref: null; problem: string };

/** What a person typed, as an existing value vector or as the sentence that says what is allowed. */
export function checkValue(text: string, shape: Shape): Checked {
  const range = `L0D0 to L${shape.n_layers - 1}D${shape.ffn_width - 1}`;
  const ref = parseValue(text);
  if (!ref) return { ref: null, problem: `Write layer and dimension as L12D34 (here ${range}).` };
  const problem = outOfShape(ref, shape);
  return problem ? { ref: null, problem } : { ref, problem: null };
}
