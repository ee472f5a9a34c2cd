/** Names of nodes, as tests/nodes.json lists them for the engine and for the page. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareNodes, type Node, nodeName, outsideShape, parseNode, readNode } from "./nodes";
import { seededRandom } from "./random";

interface Table {
  valid: (Partial<Node> & { text: string; name?: string })[];
  invalid: { text: string; says: string }[];
  ascending: string[];
  shape: { n_layers: number; ffn_width: number };
  shapes: { text: string; says: string | null }[];
}

const table: Table = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../tests/nodes.json"), "utf8"),
);
const nodeOf = (text: string): Node => {
  const node = parseNode(text);
  if (!node) throw new Error(`${text} names no node`);
  return node;
};

describe("names of nodes", () => {
  it.each(table.valid)("reads and writes “$text”", ({ text, name = text, ...parts }) => {
    const whole = { layer: null, index: null, position: null, source: null, dictionary: null };
    expect(parseNode(text)).toEqual({ ...whole, ...parts });
    expect(nodeName(nodeOf(text))).toBe(name);
    expect(parseNode(name)).toEqual(parseNode(text));
  });

  it.each(table.invalid)("refuses “$text”: $says", ({ text, says }) => {
    expect(parseNode(text)).toBeNull();
    expect(readNode(text).problem).toContain(says);
  });

  it("are sorted as the forward pass writes", () => {
    const random = seededRandom(0);
    const mixed = table.ascending
      .map((name) => ({ node: nodeOf(name), at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ node }) => node);
    expect(mixed.map(nodeName)).not.toEqual(table.ascending);
    expect(mixed.sort(compareNodes).map(nodeName)).toEqual(table.ascending);
    expect(compareNodes(nodeOf("L1D2"), nodeOf("l1d2"))).toBe(0);
  });

  it.each(table.shapes)("says what a model has not: $text", ({ text, says }) => {
    expect(outsideShape(nodeOf(text), table.shape)).toBe(says);
  });

  it("refuse nothing where a number is not known", () => {
    for (const name of ["L1H99", "L1S99", "E@99"])
      expect(outsideShape(nodeOf(name), { n_layers: 2, ffn_width: 16 })).toBeNull();
  });
});
