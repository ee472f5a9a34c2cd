/** Value vectors: one row of a layer's value matrix, written `L12D34` (0-based). */

export interface ValueRef {
  layer: number;
  dim: number;
}

/** What must be known of a model to say whether a value vector exists in it. */
export interface Shape {
  n_layers: number;
  ffn_width: number;
}

export const valueKey = ({ layer, dim }: ValueRef): string => `L${layer}D${dim}`;

export const sameValue = (a: ValueRef | null, b: ValueRef | null): boolean =>
  a !== null && b !== null && a.layer === b.layer && a.dim === b.dim;

/** Read `L12D34` (any case, surrounding space allowed); null if it is something else. */
export function parseValue(text: string): ValueRef | null {
  const match = /^\s*l(\d{1,9})d(\d{1,9})\s*$/i.exec(text);
  return match ? { layer: Number(match[1]), dim: Number(match[2]) } : null;
}

export const inShape = ({ layer, dim }: ValueRef, shape: Shape): boolean =>
  layer < shape.n_layers && dim < shape.ffn_width;

/** The sentence for a reference that the model does not have; null if it does have it. */
export function outOfShape(ref: ValueRef, shape: Shape): string | null {
  if (ref.layer >= shape.n_layers)
    return `There is no layer ${ref.layer}: this model has layers 0 to ${shape.n_layers - 1}.`;
  if (ref.dim >= shape.ffn_width)
    return `There is no dimension ${ref.dim}: layers of this model have dimensions 0 to ${shape.ffn_width - 1}.`;
  return null;
}

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
