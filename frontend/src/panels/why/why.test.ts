import { describe, expect, it } from "vitest";
import type { AttributeReply, Followed, FollowReply, TraceReply } from "@/api/types";
import { markPath } from "@/components/tokens/marks";
import { moveTo, swapFirst } from "@/components/tokens/order";
import { likeliest } from "@/state/followed";
import { traceReply } from "@/test/server";
import { linearAxis, logAxis, niceStep, rankAxis } from "./axes";
import { frameOf, layerTicks, markSteps, pathOf, stateAt } from "./geometry";
import { axisOf, describeValues, formatValue, linesCsv, linesOf, shortText, spread } from "./lines";
import { attributionCsv, formatTimes, largestOf, partsOf } from "./parts";

const labels = (axis: { ticks: { label: string }[] }) => axis.ticks.map((tick) => tick.label);

describe("axes", () => {
  it.each([
    [1, 4, 0.5],
    [0.03, 4, 0.01],
    [7, 4, 2],
    [0.9, 4, 0.5],
  ])("a span of %d in %d steps: %d", (span, count, step) => {
    expect(niceStep(span, count)).toBeCloseTo(step);
  });

  it("a linear one covers its values between round numbers", () => {
    const axis = linearAxis([-3, 8.5]);
    expect(labels(axis)).toEqual(["−5", "0", "5", "10"]);
    expect(axis.share(-5)).toBe(0);
    expect(axis.share(2.5)).toBe(0.5);
    expect(axis.share(10)).toBe(1);
  });

  it("probabilities begin at 0", () => {
    expect(labels(linearAxis([0.011, 0.026], 0))).toEqual(["0", ".01", ".02", ".03"]);
  });

  it("very small ones are written by their order of magnitude", () => {
    expect(labels(linearAxis([0, 1.3e-4], 0))).toEqual(["0", "5e−5", "1e−4", "1.5e−4"]);
  });

  it.each([[[0, 0]], [[]], [[4, 4]]])("one value alone, or none: %j", (values) => {
    const axis = linearAxis(values, 0);
    expect(axis.ticks.length).toBeGreaterThan(1);
    expect(axis.ticks.every((tick) => Number.isFinite(tick.share))).toBe(true);
  });

  it("orders of magnitude: 1 on top, 0 at the foot", () => {
    const axis = logAxis([1e-4, 0, 0.5]);
    expect(labels(axis)).toEqual(["10⁻⁴", ".001", ".01", ".1", "1"]);
    expect(axis.share(1)).toBe(1);
    expect(axis.share(0.01)).toBeCloseTo(0.5);
    expect(axis.share(0)).toBe(0);
    expect(logAxis([1e-30]).share(1e-30)).toBe(0);
    expect(labels(logAxis([1e-12])).length).toBeLessThan(8);
  });

  it("ranks: 1 on top", () => {
    const axis = rankAxis([1, 950]);
    expect(labels(axis)).toEqual(["1", "10", "100", "1,000"]);
    expect(axis.share(1)).toBe(1);
    expect(axis.share(1000)).toBe(0);
    expect(axis.share(10)).toBeCloseTo(2 / 3);
    expect(labels(rankAxis([1, 1]))).toEqual(["1", "10"]);
  });
});

const followed = (id: number, text: string, probs: number[]): Followed => ({
  token: { id, text, hex: null },
  probs,
  logits: probs.map((p) => 10 * p),
  ranks: probs.map((p) => Math.round(1 / p)),
});

const follow: FollowReply = {
  model: "demo",
  position: 2,
  reading: "lens",
  unedited: [followed(7, " nurse", [0.1, 0.2]), followed(9, " lawyer", [0.0002, 0.5])],
  edited: [followed(7, " nurse", [0.1, 0.4]), followed(9, " lawyer", [0.0002, 0.25])],
};

describe("lines", () => {
  it("are in the order of the chosen tokens, without those that are not there yet", () => {
    const lines = linesOf(follow, [9, 8, 7], "rank");
    expect(lines.map(({ letter, token, edited }) => [letter, token.id, edited?.[1]])).toEqual([
      ["A", 9, 4],
      ["C", 7, 3],
    ]);
  });

  it("say their values in words", () => {
    const lines = linesOf(follow, [7, 9], "probability");
    expect(describeValues(lines, 1, "probability")).toBe(
      "after layer 0, probability: A “ nurse” .400, unedited .200; B “ lawyer” .250, unedited .500",
    );
  });

  it.each([
    [0.0002, "probability", "2.0e−4"],
    [0, "probability", ".000"],
    [0.25, "probability", ".250"],
    [-3.456, "logit", "−3.46"],
    [1234, "rank", "1,234"],
  ] as const)("%d as %s is %s", (value, measure, text) => {
    expect(formatValue(value, measure)).toBe(text);
  });

  it("both runs share one axis", () => {
    const axis = axisOf(linesOf(follow, [7], "probability"), "probability", "linear");
    expect(axis.share(0.4)).toBe(1);
    expect(labels(axisOf(linesOf(follow, [7, 9], "rank"), "rank", "linear"))).toHaveLength(5);
  });

  it("are saved with every number", () => {
    const rows = linesCsv(follow).split("\r\n");
    expect(rows).toHaveLength(1 + 8 + 1);
    expect(rows[1]).toBe('0,"before","unedited",7," nurse",0.1,1,10');
    expect(rows[8]).toBe('0,"after","edited",9," lawyer",0.25,2.5,4');
  });

  it("have tokens at their ends whose invisible characters show", () => {
    expect(shortText({ id: 1, text: " a\n", hex: null })).toBe("·a⏎");
    expect(shortText({ id: 1, text: "antidisestablishment", hex: null })).toBe("antidisesta…");
  });

  it.each([
    [
      [10, 11, 12],
      [10, 20, 30],
    ],
    [
      [98, 99],
      [90, 100],
    ],
    [
      [50, 3],
      [50, 3],
    ],
  ])("labels at %j are kept apart", (wanted, placed) => {
    expect(spread(wanted, 10, 0, 100)).toEqual(placed);
  });
});

describe("the drawing", () => {
  const frame = frameOf(846, 8);
  it("finds the state under a point", () => {
    for (let state = 0; state < 8; state += 1) expect(stateAt(frame, frame.x(state))).toBe(state);
    expect(stateAt(frame, -50)).toBe(0);
    expect(stateAt(frame, 2000)).toBe(7);
  });

  it("goes from state to state", () => {
    const axis = linearAxis([0, 1], 0);
    const path = pathOf(frame, axis, [0, 1]);
    expect(path).toBe(`M${frame.x(0)} ${frame.bottom}L${frame.x(1)} ${frame.top}`);
  });

  it("does not crowd: marks and numbers of 36 layers on a phone", () => {
    const narrow = frameOf(360, 72);
    const steps = markSteps(narrow);
    expect(steps.at(-1)).toBe(71);
    expect(narrow.x(steps[1] ?? 0) - narrow.x(steps[0] ?? 0)).toBeGreaterThan(20);
    expect(layerTicks(narrow, 36)).toEqual([0, 5, 10, 15, 20, 25, 30, 35]);
    expect(layerTicks(frame, 4)).toEqual([0, 1, 2, 3]);
  });

  it("has eight marks that differ", () => {
    const marks = Array.from({ length: 8 }, (_, index) => markPath(index, 0, 0, 4));
    expect(new Set(marks).size).toBe(8);
  });
});

it("changes the order of the followed tokens", () => {
  expect(swapFirst([1, 2, 3])).toEqual([2, 1, 3]);
  expect(swapFirst([1])).toEqual([1]);
  expect(moveTo([1, 2, 3], 2, 0)).toEqual([3, 1, 2]);
  expect(moveTo([1, 2, 3], 0, 1)).toEqual([2, 1, 3]);
});

describe("attribution", () => {
  const reply: AttributeReply = {
    model: "demo",
    position: 2,
    reading: "exact",
    token: { id: 7, text: " nurse", hex: null },
    against: null,
    total: 4,
    base: 0.5,
    start: -1,
    attention: [0, 2, -0.5],
    ffn: [1, 1.5, 0.5],
    sub_updates: [{ layer: 1, dim: 4, node: "L1D4", coefficient: -2, amount: 1.25 }],
  };

  it("adds up", () => {
    const parts = partsOf(reply);
    expect(parts.map(({ amount }) => amount)).toEqual([0.5, -1, 1.5, 3]);
    expect(parts.reduce((sum, { amount }) => sum + amount, 0)).toBe(reply.total);
    expect(largestOf([1, -3, 2])).toBe(3);
    expect(largestOf([])).toBe(0);
  });

  it.each([
    [Math.log(3.4), "3.4"],
    [-Math.log(3.4), "3.4"],
    [Math.log(1250), "1,250"],
    [0, "1.0"],
    [1000, "2.0e+434"],
  ])("a lead of %d is %s times as likely", (lead, text) => {
    expect(formatTimes(lead)).toBe(text);
  });

  it("is saved with every part", () => {
    const rows = attributionCsv(reply).split("\r\n");
    expect(rows).toHaveLength(1 + 3 + 6 + 1 + 1);
    expect(rows[1]).toBe('"total",,,,4');
    expect(rows[5]).toBe('"attention",1,,,2');
    expect(rows[10]).toBe('"sub_update",1,4,-2,1.25');
  });
});

it("proposes the likeliest tokens of both runs in turn, each once", () => {
  const reply = traceReply({ prompt: "x", interventions: [{ layer: 0, dim: 1, kind: "off" }] });
  const ids = (run: TraceReply["unedited"] | null) =>
    run?.positions[0]?.layers.at(-1)?.after.top.map((token) => token.id) ?? [];
  const [first, second] = ids(reply.edited);
  expect(likeliest(reply).map((token) => token.id)).toEqual([
    ...new Set([first, ids(reply.unedited)[0], second, ids(reply.unedited)[1]]),
  ]);
  expect(likeliest(null)).toEqual([]);
});
