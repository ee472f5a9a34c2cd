import { describe, expect, it } from "vitest";
import { formatKeys, matchesKeys } from "./keys";
import { formatProb, formatProbChange, formatScore, formatSigned } from "./numbers";
import { checkValue, parseValue } from "./values";

describe("numbers", () => {
  it.each([
    [0.2144, ".214"],
    [0.0004, "<.001"],
    [0.0005, ".001"],
    [0, ".000"],
    [1, "1.00"],
    [0.99951, "1.00"],
    [0.9994, ".999"],
  ])("probability %d is %s", (value, text) => {
    expect(formatProb(value)).toBe(text);
  });

  it.each([
    [0.12, "+.120"],
    [-0.0345, "−.035"],
    [0.0001, "±.000"],
    [-0.99996, "−1.00"],
  ])("change %d is %s", (value, text) => {
    expect(formatProbChange(value)).toBe(text);
  });

  it.each([
    [2.7449, "2.74", "+2.74"],
    [-12.34, "−12.3", "−12.3"],
    [123.4, "123", "+123"],
    [0, "0.00", "0.00"],
    [12345678, "1.2e+7", "+1.2e+7"],
  ])("score %d is %s, signed %s", (value, plain, signed) => {
    expect(formatScore(value)).toBe(plain);
    expect(formatSigned(value)).toBe(signed);
  });
});

describe("value vectors", () => {
  const shape = { n_layers: 8, ffn_width: 1024 };

  it.each(["L7D1023", " l7d1023 "])("reads %j", (text) => {
    expect(checkValue(text, shape)).toEqual({ ref: { layer: 7, dim: 1023 }, problem: null });
  });

  it.each([
    ["L8D0", "layers 0 to 7"],
    ["L0D1024", "dimensions 0 to 1023"],
    ["12, 34", "L0D0 to L7D1023"],
    ["", "L0D0 to L7D1023"],
  ])("says for %j what is allowed", (text, allowed) => {
    expect(checkValue(text, shape).problem).toContain(allowed);
  });

  it.each(["L1D", "LD", "L1D2D3", "L-1D2", "L1D2;", "L12345678901D1"])("refuses %j", (text) => {
    expect(parseValue(text)).toBeNull();
  });
});

describe("keys", () => {
  const press = (key: string, more: KeyboardEventInit = {}) =>
    new KeyboardEvent("keydown", { key, ...more });

  it("tells combinations apart", () => {
    expect(matchesKeys(press("z", { ctrlKey: true }), "mod+z")).toBe(true);
    expect(matchesKeys(press("Z", { ctrlKey: true, shiftKey: true }), "mod+z")).toBe(false);
    expect(matchesKeys(press("Z", { ctrlKey: true, shiftKey: true }), "mod+shift+z")).toBe(true);
    expect(matchesKeys(press("z"), "mod+z")).toBe(false);
    expect(matchesKeys(press("?", { shiftKey: true }), "?")).toBe(true);
    expect(matchesKeys(press("j", { altKey: true }), "j")).toBe(false);
  });

  it("are written as the keyboard has them", () => {
    expect(formatKeys("mod+shift+z")).toBe("Ctrl Shift Z");
  });
});
