import { describe, expect, it } from "vitest";
import type { State } from "@/api/types";
import { compareStates, compareSubUpdates } from "./diff";

const state = (probs: Record<number, number>): State => ({
  entropy: 0,
  top: Object.entries(probs)
    .map(([id, prob]) => ({ id: Number(id), text: `t${id}`, hex: null, prob }))
    .sort((a, b) => b.prob - a.prob),
});

describe("compareStates", () => {
  it("is exact where both runs show the token", () => {
    const [first, second] = compareStates(state({ 1: 0.5, 2: 0.25 }), state({ 1: 0.25, 2: 0.375 }));
    expect(first).toMatchObject({ delta: -0.25, kind: "both" });
    expect(second).toMatchObject({ delta: 0.125, kind: "both" });
  });

  it("claims no more than the lists prove for tokens that entered or left", () => {
    const changes = compareStates(state({ 1: 0.5, 2: 0.25 }), state({ 1: 0.5, 3: 0.375 }));
    expect(changes.find((change) => change.token.id === 3)).toMatchObject({
      kind: "entered",
      unedited: null,
      delta: 0.125,
    });
    expect(changes.find((change) => change.token.id === 2)).toMatchObject({
      kind: "left",
      edited: null,
      delta: 0,
    });
  });
});

describe("compareSubUpdates", () => {
  it("keeps the edited run's order and puts those that left at the end", () => {
    const update = (dim: number) => ({ layer: 0, dim, coefficient: dim, score: dim });
    const changes = compareSubUpdates([update(1), update(2)], [update(3), update(2)]);
    expect(changes.map(({ kind, edited, unedited }) => [kind, (edited ?? unedited)?.dim])).toEqual([
      ["entered", 3],
      ["both", 2],
      ["left", 1],
    ]);
  });
});
