import { describe, expect, it } from "vitest";
import type { State, StateComparison } from "@/api/types";
import { compareSubUpdates, movesOf } from "./diff";

const token = (id: number) => ({ id, text: `t${id}`, hex: null });

const state = (ids: readonly number[]): State => ({
  entropy: 0,
  top: ids.map((id, rank) => ({ ...token(id), prob: 0.5 / 2 ** rank })),
});

const comparison = (probs: Record<number, [number, number]>): StateComparison => ({
  kl: 0.25,
  tokens: Object.entries(probs)
    .map(([id, [unedited, edited]]) => ({ ...token(Number(id)), unedited, edited }))
    .sort((a, b) => b.edited - a.edited),
});

describe("movesOf", () => {
  const both = comparison({ 1: [0.5, 0.25], 2: [0.25, 0.125], 3: [0.0625, 0.5] });
  const moves = movesOf(both, state([1, 2]), state([3, 1]));

  it("has the edited run's order, and at the end what left its list", () => {
    expect(moves.map(({ id, kind }) => [id, kind])).toEqual([
      [3, "entered"],
      [1, "both"],
      [2, "left"],
    ]);
  });

  it("takes both probabilities from the server, for those that a list lacks too", () => {
    expect(moves.map(({ unedited, edited, delta }) => [unedited, edited, delta])).toEqual([
      [0.0625, 0.5, 0.4375],
      [0.5, 0.25, -0.25],
      [0.25, 0.125, -0.125],
    ]);
  });

  it("puts what left below what stayed, even where the probabilities are equal", () => {
    const tied = movesOf(comparison({ 1: [0.5, 0.25], 2: [0.25, 0.25] }), state([1]), state([2]));
    expect(tied.map(({ id, kind }) => [id, kind])).toEqual([
      [2, "entered"],
      [1, "left"],
    ]);
  });
});

describe("compareSubUpdates", () => {
  it("keeps the edited run's order and puts those that left at the end", () => {
    const update = (dim: number) => ({
      layer: 0,
      dim,
      node: `L0D${dim}`,
      coefficient: dim,
      score: dim,
    });
    const changes = compareSubUpdates([update(1), update(2)], [update(3), update(2)]);
    expect(changes.map(({ kind, edited, unedited }) => [kind, (edited ?? unedited)?.dim])).toEqual([
      ["entered", 3],
      ["both", 2],
      ["left", 1],
    ]);
  });
});
