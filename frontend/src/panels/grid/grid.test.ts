import { describe, expect, it } from "vitest";
import type { GridReply, GridRun } from "@/api/types";
import { cellsOf, columnsFor, describeCell, fullOf, gridCsv, lookOf, rowOf, rowsOf } from "./cells";
import { settle, stepSpot } from "./steps";

const token = (id: number, text: string) => ({ id, text, hex: null });
const run = (tokens: number[][], probs: number[][], entropies: number[][]): GridRun => ({
  tokens,
  probs,
  entropies,
});

/** One layer, two positions; the edit changes what the last state says at position 1. */
const reply: GridReply = {
  model: "demo",
  tokens: [token(5, "The"), token(6, " king")],
  positions: [0, 1],
  reading: "lens",
  vocabulary: [token(1, " a"), token(2, ' "b"')],
  unedited: run(
    [
      [1, 2],
      [1, 1],
    ],
    [
      [0.25, 0.5],
      [0.75, 1],
    ],
    [
      [2, 1.5],
      [1, 0],
    ],
  ),
  edited: run(
    [
      [1, 2],
      [1, 2],
    ],
    [
      [0.25, 0.5],
      [0.7, 0.9],
    ],
    [
      [2, 1.5],
      [1.2, 0.3],
    ],
  ),
  kl: [
    [0, 0],
    [0.004, 3],
  ],
};
const at = cellsOf(reply);

describe("rows", () => {
  it("are the states after each FFN, or all of them, from the first layer downwards", () => {
    expect(rowsOf(6, false).map(({ state, layer }) => [state, layer])).toEqual([
      [1, 0],
      [3, 1],
      [5, 2],
    ]);
    expect(rowsOf(4, true).map(({ layer, place }) => `${layer} ${place}`)).toEqual([
      "0 before",
      "0 after",
      "1 before",
      "1 after",
    ]);
  });
});

describe("cells", () => {
  it.each([
    ["unedited", "probability", 1, " a", null, "1.00", 1],
    ["edited", "probability", 1, ' "b"', null, ".900", 0.9],
    ["edited", "entropy", 2, ' "b"', null, "0.30", 0.15],
    ["difference", "probability", 3, ' "b"', " a", "3.00", 1],
  ] as const)("%s, %s", (reading, measure, full, text, was, number, share) => {
    const look = lookOf(at(1, 1), reading, measure, full);
    expect([look.token.text, look.was?.text ?? null, look.number]).toEqual([text, was, number]);
    expect(look.share).toBeCloseTo(share);
  });

  it("show a small divergence as small, and none as none", () => {
    expect(lookOf(at(1, 0), "difference", "probability", 3).number).toBe("<.01");
    expect(lookOf(at(0, 0), "difference", "probability", 3).number).toBe("0.00");
  });

  it("are filled relative to certainty, to complete uncertainty, to the largest divergence", () => {
    expect(fullOf(reply, "edited", "probability", 100)).toBe(1);
    expect(fullOf(reply, "unedited", "entropy", 100)).toBeCloseTo(Math.log(100));
    expect(fullOf(reply, "difference", "entropy", 100)).toBe(3);
  });

  it("are empty where no edit changes anything", () => {
    const same = { ...reply, kl: [[0, 0]] };
    const full = fullOf(same, "difference", "probability", 100);
    expect(lookOf(at(0, 0), "difference", "probability", full).share).toBe(0);
  });

  it("say all they show", () => {
    expect(describeCell(at(1, 1), "unedited")).toBe("“ a” 1.00, entropy 0.00");
    expect(describeCell(at(1, 1), "difference")).toBe(
      'unedited “ a” 1.00, entropy 0.00; edited “ "b"” .900, entropy 0.30; KL 3.00',
    );
  });

  it("are the same objects every time, so that nothing is drawn twice", () => {
    expect(at(1, 0)).toBe(at(1, 0));
    expect(at(1, 0)).not.toBe(at(0, 1));
  });
});

it("is saved whole, with quotes and spaces as they are", () => {
  const lines = gridCsv(reply).split("\r\n");
  expect(lines).toHaveLength(1 + 8 + 1);
  expect(lines[0]).toBe(
    '"layer","state","position","prompt_token","run","token_id","token","probability","entropy","kl"',
  );
  expect(lines[7]).toBe('0,"after",1," king","unedited",1," a",1,0,');
  expect(lines[8]).toBe('0,"after",1," king","edited",2," ""b""",0.9,0.3,3');
});

it("asks for the last positions of a prompt that is too long", () => {
  expect(columnsFor(3, 3)).toBe("all");
  expect(columnsFor(5, 3)).toEqual([2, 3, 4]);
});

describe("walking", () => {
  const rows = rowsOf(8, false);
  const press = (key: string, ctrlKey = false) => ({
    key,
    ctrlKey,
    metaKey: false,
    altKey: false,
  });
  it.each([
    ["ArrowDown", false, 5, 2],
    ["ArrowUp", false, 1, 2],
    ["ArrowLeft", false, 3, 1],
    ["ArrowRight", false, 3, 3],
    ["Home", false, 3, 0],
    ["End", false, 3, 9],
    ["Home", true, 1, 0],
    ["End", true, 7, 9],
    ["PageDown", false, 7, 2],
    ["PageUp", false, 1, 2],
    ["ArrowDown", true, 7, 2],
  ] as const)("%s (with Ctrl: %s)", (key, ctrl, state, column) => {
    expect(stepSpot(press(key, ctrl), { state: 3, column: 2 }, rows, 10)).toEqual({
      state,
      column,
    });
  });

  it("stays inside", () => {
    expect(stepSpot(press("ArrowLeft"), { state: 1, column: 0 }, rows, 10)?.column).toBe(0);
    expect(stepSpot(press("ArrowDown"), { state: 7, column: 0 }, rows, 10)?.state).toBe(7);
  });

  it("leaves other keys alone", () => {
    expect(stepSpot(press("j"), { state: 1, column: 0 }, rows, 10)).toBeNull();
    const back = { ...press("ArrowLeft"), altKey: true };
    expect(stepSpot(back, { state: 1, column: 1 }, rows, 10)).toBeNull();
  });

  it("begins at the traced position, and goes on from a state that is hidden now", () => {
    expect(settle(null, rows, 10, 4)).toEqual({ state: 1, column: 4 });
    expect(settle({ state: 4, column: 2 }, rows, 10, 4)).toEqual({ state: 5, column: 2 });
    expect(settle({ state: 7, column: 9 }, rows, 3, 0)).toEqual({ state: 7, column: 2 });
    expect(rowOf(5)).toEqual({ state: 5, layer: 2, place: "after" });
  });
});
