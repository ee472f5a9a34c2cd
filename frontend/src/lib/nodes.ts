/**
 * Names of what writes into the residual stream, and the order in which it is written.
 *
 * Twin of the server's engine/nodes.py, whose head lists the forms: `L3D7` a value vector, `L3H5` a
 * head, `L3A` and `L3F` a layer's attention and FFN, `L3AB` and `L3FB` their biases, `L3S120` a latent
 * (`gemma-scope:L3S120` of that dictionary), `E` and `P` the embeddings; `@4` the position written to,
 * `@6<4` from position 4 to 6. tests/nodes.json tests both.
 */

/** In the order in which the parts of a layer are written, a whole after its parts. */
const KINDS = [
  "embedding",
  "position_embedding",
  "head",
  "attention",
  "attention_bias",
  "value",
  "latent",
  "ffn",
  "ffn_bias",
] as const;

export type NodeKind = (typeof KINDS)[number];

/** One writer into the residual stream. */
export interface Node {
  kind: NodeKind;
  /** null for the embeddings. */
  layer: number | null;
  /** Head, dimension or latent, where a layer has many. */
  index: number | null;
  /** That it writes to; null: all positions together. */
  position: number | null;
  /** Of a head, the position that it attends to from `position`; null: all of them. */
  source: number | null;
  /** Of a latent, its dictionary's name; null: the only one there is. */
  dictionary: string | null;
}

/** How much a model has of what names count; undefined: not known here, so nothing is refused. */
export interface NodeShape {
  n_layers: number;
  ffn_width: number;
  n_heads?: number | null | undefined;
  /** Of the prompt that positions are in. */
  n_tokens?: number | undefined;
  /** Of the dictionary that latents are in. */
  n_latents?: number | undefined;
}

const LETTERS: Readonly<Record<NodeKind, string>> = {
  embedding: "E",
  position_embedding: "P",
  head: "H",
  attention: "A",
  attention_bias: "AB",
  value: "D",
  latent: "S",
  ffn: "F",
  ffn_bias: "FB",
};

const IN_NO_LAYER: readonly NodeKind[] = ["embedding", "position_embedding"];
/** Of these a layer has many, told apart by their index. */
const COUNTED: readonly NodeKind[] = ["head", "value", "latent"];

const NAME =
  /^\s*(?:([a-z0-9][a-z0-9._/-]{0,95}):)?(?:l(\d{1,9}))?([a-z]{1,2})(\d{1,9})?(?:@(\d{1,9})(?:<(\d{1,9}))?)?\s*$/i;

const FORMS = "L3D7, L3H5, L3A, L3F, L3AB, L3FB, L3S120, E or P, with @4 for position 4";

export type ReadNode = { node: Node; problem: null } | { node: null; problem: string };

/** A name (any case, surrounding space allowed), or the sentence that says what is wrong with it. */
export function readNode(text: string): ReadNode {
  const refuse = (problem: string): ReadNode => ({ node: null, problem });
  const [, dictionary = null, layer, letters, index, position, source] = NAME.exec(text) ?? [];
  const kind = KINDS.find((known) => LETTERS[known] === letters?.toUpperCase());
  const number = (part: string | undefined) => (part === undefined ? null : Number(part));
  if (
    !kind ||
    (layer === undefined) !== IN_NO_LAYER.includes(kind) ||
    (index === undefined) === COUNTED.includes(kind)
  )
    return refuse(`“${text}” names no node; write one as ${FORMS}.`);
  const node: Node = {
    kind,
    layer: number(layer),
    index: number(index),
    position: number(position),
    source: number(source),
    dictionary,
  };
  if (node.source !== null && kind !== "head")
    return refuse(`Only a head attends to a position: L3H5@6<4, not “${nodeName(node)}”.`);
  if (node.source !== null && node.source > (node.position ?? -1))
    return refuse(
      `A head attends to its own position or an earlier one, not @${node.position}<${node.source}.`,
    );
  if (dictionary !== null && kind !== "latent")
    return refuse("Only a latent, such as L3S120, has a dictionary’s name in front.");
  return { node, problem: null };
}

/** null if it names none. */
export const parseNode = (text: string): Node | null => readNode(text).node;

/** Its canonical name, which `parseNode` reads. */
export function nodeName({ kind, layer, index, position, source, dictionary }: Node): string {
  const part = (mark: string, value: string | number | null) =>
    value === null ? "" : mark + value;
  const front = dictionary === null ? "" : `${dictionary}:`;
  const where = part("@", position) + part("<", source);
  return front + part("L", layer) + LETTERS[kind] + part("", index) + where;
}

const orderOf = ({ kind, layer, index, position, source, dictionary }: Node) =>
  [
    layer ?? -1,
    KINDS.indexOf(kind),
    dictionary ?? "",
    ...[index, position, source].map((part) => part ?? -1),
  ] as const;

/** As the forward pass writes, then by index, position and source; what means all of something
 * stands before each of it. */
export function compareNodes(one: Node, other: Node): number {
  const [a, b] = [orderOf(one), orderOf(other)];
  const at = a.findIndex((part, place) => part !== b[place]);
  const [left, right] = [a[at], b[at]];
  if (left === undefined || right === undefined) return 0;
  return left < right ? -1 : 1;
}

/** The sentence for a node that the model, the prompt or the dictionary does not have; else null. */
export function outsideShape(
  { kind, layer, index, position }: Node,
  shape: NodeShape,
): string | null {
  const missing = (word: string, number: number | null, has: string, count?: number | null) =>
    number !== null && typeof count === "number" && number >= count
      ? `There is no ${word} ${number}: ${has} ${word}s 0 to ${count - 1}.`
      : null;
  const layers = "layers of this model have";
  return (
    missing("layer", layer, "this model has", shape.n_layers) ??
    (kind === "value" ? missing("dimension", index, layers, shape.ffn_width) : null) ??
    (kind === "head" ? missing("head", index, layers, shape.n_heads) : null) ??
    (kind === "latent" ? missing("latent", index, "this dictionary has", shape.n_latents) : null) ??
    missing("position", position, "this prompt has", shape.n_tokens)
  );
}
