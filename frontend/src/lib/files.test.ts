import { describe, expect, it } from "vitest";
import { toCsv } from "./csv";
import { fileName } from "./download";
import { formatDuration } from "./numbers";
import { seededRandom } from "./random";
import { stepValue } from "./values";

describe("csv", () => {
  it("keeps spaces, quotes, commas and line breaks of tokens", () => {
    const rows = [
      [1, " a,b", null],
      [-0.5, 'say "so"', "x\ny"],
    ];
    expect(toCsv(["id", "token", "hex"], rows)).toBe(
      '"id","token","hex"\r\n1," a,b",\r\n-0.5,"say ""so""","x\ny"\r\n',
    );
  });
});

describe("a cell that a spreadsheet would take for a formula", () => {
  it.each(["=1+1", '=HYPERLINK("x")', "+1", "-1", "@A1", "\t=1", "\r=1"])("is text: %j", (text) => {
    expect(toCsv([], [[text]])).toBe(`\r\n"'${text.replaceAll('"', '""')}"\r\n`);
  });

  it.each([
    [" =1", '" =1"'],
    ["a=b", '"a=b"'],
    [-1.5, "-1.5"],
    [-1e-9, "-1e-9"],
    ["", '""'],
  ])("is not %j", (value, cell) => {
    expect(toCsv([], [[value]])).toBe(`\r\n${cell}\r\n`);
  });
});

describe("file names", () => {
  it.each([
    [["L3D7", "tokens"], "l3d7-tokens"],
    [["vectors", "../a b, -c*?"], "vectors-a-b-c"],
    [["vectors", "школа"], "vectors-школа"],
  ])("of %j is %s", (parts, name) => {
    expect(fileName(...parts)).toBe(name);
  });
});

describe("durations", () => {
  it.each([
    [0.2, "1 s"],
    [47.4, "47 s"],
    [600, "10 min"],
    [7500, "2 h 5 min"],
    [7180, "2 h 0 min"],
  ])("of %d seconds are %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe("seeded random numbers", () => {
  it("repeat with their seed, differ without, and spread over [0, 1)", () => {
    const draw = (seed: number) => Array.from({ length: 2000 }, seededRandom(seed));
    const numbers = draw(7);
    expect(draw(7)).toEqual(numbers);
    expect(draw(8)).not.toEqual(numbers);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
    // Five standard errors of a uniform mean.
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * Math.sqrt(1 / 12)) / Math.sqrt(2000));
  });
});

describe("the vector before and after", () => {
  const shape = { n_layers: 2, ffn_width: 4 };
  it.each([
    [{ layer: 0, dim: 1 }, 1, { layer: 0, dim: 2 }],
    [{ layer: 0, dim: 3 }, 1, { layer: 1, dim: 0 }],
    [{ layer: 1, dim: 0 }, -1, { layer: 0, dim: 3 }],
    [{ layer: 0, dim: 0 }, -1, null],
    [{ layer: 1, dim: 3 }, 1, null],
  ])("of %j, %d step, is %j", (from, by, to) => {
    expect(stepValue(from, by, shape)).toEqual(to);
  });
});
