import { describe, expect, it } from "vitest";
import { newIntervention } from "./interventions";
import { decodeLink, encodeLink, type LinkState, MAX_LINK } from "./url";

const empty: LinkState = {
  model: null,
  prompt: null,
  interventions: [],
  position: null,
  selection: null,
  reading: "edited",
  names: {},
};

const full: LinkState = {
  model: "org/gpt2-medium",
  prompt: "a;b=c&d#e?f%20 \n\t<script>“é😀” שלום+",
  interventions: [
    newIntervention({ layer: 3, dim: 7 }),
    { ...newIntervention({ layer: 0, dim: 0 }), kind: "on", enabled: false },
    { ...newIntervention({ layer: 5, dim: 9 }), kind: "scale", value: -1.5, positions: "last" },
    { ...newIntervention({ layer: 6, dim: 1 }), kind: "set", value: 1e-7, positions: [0, 3, -1] },
    { ...newIntervention({ layer: 7, dim: 2 }), kind: "add", value: 0.1, generated: false },
    { ...newIntervention({ layer: 7, dim: 3 }), kind: "off", positions: "last", generated: true },
  ],
  position: 4,
  selection: { layer: 5, dim: 9 },
  reading: "difference",
  names: { L5D9: "music; songs = a*b_c", L3D7: "<img src=x onerror=alert(1)>" },
};

describe("round trip", () => {
  it.each([
    ["nothing", empty],
    ["everything", full],
    ["an empty prompt", { ...empty, prompt: "" }],
  ])("gives back %s", (_, state) => {
    const { hash, complete } = encodeLink("explore", state);
    expect(complete).toBe(true);
    expect(decodeLink(hash)).toEqual({ view: "explore", state, problem: null });
  });

  it("survives being put into an address", () => {
    const url = new URL(`http://host/prefix/${encodeLink("trace", full).hash}`);
    expect(decodeLink(url.hash).state).toEqual(full);
  });
});

describe("versions", () => {
  it("refuses a newer one by saying so", () => {
    expect(decodeLink("#/explore?v=2&p=x")).toEqual({
      view: "explore",
      state: null,
      problem: "newer",
    });
  });

  it.each(["", "#", "#/", "#/nowhere", "#/trace", "#/trace?p=without+version"])(
    "finds no state in %j",
    (hash) => {
      expect(decodeLink(hash)).toEqual({ view: "trace", state: null, problem: null });
    },
  );
});

describe("size", () => {
  it("leaves out names first, then prompt and interventions, and admits it", () => {
    const names = { L1D1: "n".repeat(MAX_LINK) };
    const unnamed = encodeLink("trace", { ...full, names });
    expect(unnamed.complete).toBe(false);
    expect(decodeLink(unnamed.hash).state).toEqual({ ...full, names: {} });
    const small = encodeLink("trace", { ...full, prompt: "p".repeat(MAX_LINK) });
    expect(small.complete).toBe(false);
    expect(small.hash.length).toBeLessThanOrEqual(MAX_LINK);
    expect(decodeLink(small.hash).state).toMatchObject({
      prompt: null,
      interventions: [],
      selection: full.selection,
    });
  });

  it("does not read an endless address", () => {
    expect(decodeLink(`#/trace?v=1&p=${"x".repeat(200_000)}`).problem).toBe("too-long");
  });
});

describe("hostile input", () => {
  it.each([
    ["L1D2", "no kind"],
    ["L1D2*explode", "an unknown kind"],
    ["L-1D2*off", "a negative layer"],
    ["L1.5D2*off", "a fraction"],
    ["L9999999999D1*off", "a huge layer"],
    ["L1D2*set", "a value that is missing"],
    ["L1D2*set*", "an empty value"],
    ["L1D2*set*NaN", "not a number"],
    ["L1D2*scale*Infinity", "infinity"],
    ["<script>*off", "markup"],
    ["__proto__*on", "a prototype"],
  ])("leaves out %s (%s) and keeps its neighbours", (item) => {
    const link = decodeLink(`#/trace?v=1&i=L0D1*on_${encodeURIComponent(item)}_L0D2*off`);
    expect(link.state?.interventions.map(({ dim }) => dim)).toEqual([1, 2]);
  });

  it.each(["x", "-1", "1e3", "1.5", "", "99999999999"])("ignores the position %j", (text) => {
    expect(decodeLink(`#/trace?v=1&t=${text}`).state?.position).toBeNull();
  });

  it("takes broken escapes, repeated keys and unknown words as they come", () => {
    const link = decodeLink(
      "#/trace?v=1&p=%E0%A4%A&p=second&r=upside-down&s=LxDy&n=__proto__*x&n=*",
    );
    expect(link.state).toMatchObject({ reading: "edited", selection: null, names: {} });
    expect(link.state?.prompt).toContain("\ufffd");
  });

  it("reads at most 256 interventions", () => {
    const items = Array.from({ length: 1000 }, (_, dim) => `L0D${dim}*off`).join("_");
    expect(decodeLink(`#/trace?v=1&i=${items}`).state?.interventions).toHaveLength(256);
  });
});
