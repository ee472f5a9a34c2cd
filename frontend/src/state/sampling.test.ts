import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  checkField,
  describeSampling,
  newSeed,
  readSampling,
  samplingForWire,
  USUAL_SAMPLING,
} from "./sampling";

describe("a field", () => {
  it.each([
    ["temperature", "0.8", 0.8],
    ["temperature", "0,8", 0.8],
    ["temperature", "10", 10],
    ["topP", "1", 1],
    ["topP", " .95 ", 0.95],
    ["seed", "0", 0],
    ["seed", "9007199254740991", 9007199254740991],
  ] as const)("%s takes %j", (field, text, value) => {
    expect(checkField(field, text)).toEqual({ value, problem: null });
  });

  it.each([
    ["temperature", "0", "above 0, up to 10"],
    ["temperature", "10.1", "above 0, up to 10"],
    ["temperature", "", "above 0"],
    ["temperature", "warm", "above 0"],
    ["topP", "0", "above 0, up to 1"],
    ["topP", "1.01", "up to 1"],
    ["seed", "-1", "whole number from 0"],
    ["seed", "1.5", "whole number"],
    ["seed", "9007199254740992", "9007199254740991"],
    ["seed", "Infinity", "whole number"],
  ] as const)("%s refuses %j with a sentence", (field, text, words) => {
    const { value, problem } = checkField(field, text);
    expect(value).toBeNull();
    expect(problem).toContain(words);
  });
});

describe("a choice", () => {
  const choice = { sample: true, temperature: 0.7, topP: 0.9, seed: 41 };

  it("goes to the server as greedy, or as its numbers", () => {
    expect(samplingForWire(choice)).toEqual({ temperature: 0.7, top_p: 0.9, seed: 41 });
    expect(samplingForWire({ ...choice, sample: false }).temperature).toBe(0);
  });

  it("is said in words", () => {
    expect(describeSampling(samplingForWire(USUAL_SAMPLING))).toBe("greedy");
    expect(describeSampling(samplingForWire(choice))).toBe("temperature 0.7, top-p 0.9, seed 41");
  });

  it.each([
    [null, USUAL_SAMPLING],
    [choice, choice],
    [
      { sample: "yes", temperature: -1, topP: "1", seed: 1e300 },
      { sample: false, temperature: 1, topP: 1, seed: 0 },
    ],
  ])("is read from %j", (stored, read) => {
    expect(readSampling(stored)).toEqual(read);
  });

  it("gets seeds that can be used", () => {
    for (let index = 0; index < 100; index++)
      expect(checkField("seed", String(newSeed())).problem).toBeNull();
  });
});

describe("what is kept", () => {
  beforeEach(() => vi.resetModules());
  const load = async () => (await import("./prefs")).usePrefs;

  it("comes back with the next visit", async () => {
    const sampling = { sample: true, temperature: 0.5, topP: 0.8, seed: 9 };
    (await load()).getState().set({ sampling });
    vi.resetModules();
    expect((await load()).getState().sampling).toEqual(sampling);
  });

  it("is greedy where nothing was kept, and where somebody else wrote there", async () => {
    expect((await load()).getState().sampling.sample).toBe(false);
    localStorage.setItem("lmd.prefs", JSON.stringify({ sampling: [1], newTokens: 7 }));
    vi.resetModules();
    const prefs = (await load()).getState();
    expect(prefs.sampling).toEqual(USUAL_SAMPLING);
    expect(prefs.newTokens).toBe(7);
  });
});
