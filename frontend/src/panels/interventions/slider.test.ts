import { describe, expect, it } from "vitest";
import { drawToMark, isUnfinished, placeOf, rangeOf, readNumber } from "./slider";

describe("rangeOf", () => {
  it("scales from −3 to 3 in steps of 0.05, whatever the coefficient is", () => {
    for (const unedited of [null, 0, -7])
      expect(rangeOf("scale", unedited)).toEqual({ min: -3, max: 3, step: 0.05, marks: [1, 0] });
  });

  it("sets and adds around the unedited coefficient, alike", () => {
    expect(rangeOf("set", 5.5534381)).toEqual({
      min: -14.4,
      max: 25.6,
      step: 0.4,
      marks: [5.553, 0],
    });
    expect(rangeOf("add", 5.5534381)).toEqual({ min: -20, max: 20, step: 0.4, marks: [0, -5.553] });
  });

  it("reaches a value that has been further away, unless only typing leads there", () => {
    expect(rangeOf("set", 0.26, 79.74)).toEqual({
      min: -100,
      max: 100,
      step: 2,
      marks: [0.26, 0],
    });
    expect(rangeOf("set", 5.5534381, 19)).toEqual(rangeOf("set", 5.5534381));
    expect(rangeOf("set", 5.5534381, 1e20)).toEqual(rangeOf("set", 5.5534381));
  });

  it.each([null, 0, 1e-9, -0.17, 3, -411, 1e20])("has room for 0 and for no change at %s", (m) => {
    for (const kind of ["set", "add"] as const) {
      const { min, max, step, marks } = rangeOf(kind, m);
      expect(step).toBeGreaterThan(0);
      for (const mark of marks) {
        expect(mark).toBeGreaterThanOrEqual(min);
        expect(mark).toBeLessThanOrEqual(max);
      }
    }
  });
});

describe("drawToMark", () => {
  const scale = rangeOf("scale", null);

  it.each([
    [0.95, 1],
    [1.05, 1],
    [-0.05, 0],
    [0.1, 0.1],
    [0.85, 0.85],
    [-3, -3],
  ])("takes %f to %f", (value, drawn) => expect(drawToMark(value, scale)).toBe(drawn));
});

describe("placeOf", () => {
  it("keeps what lies beyond the ends at them", () => {
    const scale = rangeOf("scale", null);
    expect([-9, -3, 0, 3, 9].map((value) => placeOf(value, scale))).toEqual([0, 0, 0.5, 1, 1]);
  });
});

describe("readNumber", () => {
  it.each([
    ["1.5", 1.5],
    [" -2e3 ", -2000],
    ["−0,5", -0.5],
    [".25", 0.25],
    ["+3.", 3],
    ["-1e300", -1e300],
  ])("reads %s", (text, value) => expect(readNumber(text)).toBe(value));

  it.each(["", " ", "abc", "NaN", "Infinity", "1e999", "0x10", "1..2", "1 2", "--1", "-", "1e"])(
    "does not read “%s”",
    (text) => expect(readNumber(text)).toBeNull(),
  );
});

describe("isUnfinished", () => {
  it("is true of the beginning of a number only", () => {
    expect(["-", "−", ".", "1e", "1.5e-", "-."].filter(isUnfinished)).toHaveLength(6);
    expect(["", "abc", "NaN", "1..", "1x", "--"].filter(isUnfinished)).toEqual([]);
  });
});
