import { describe, expect, it } from "vitest";
import { digest, forWire } from "@/state/codec";
import { newIntervention } from "@/state/interventions";
import { providePanels } from "@/state/panels";
import { USUAL_SAMPLING } from "@/state/sampling";
import { plainPanels } from "@/test/panels";
import { MAX_BYTES, makeRun, parseFile, readRun, type Working } from "./runFile";

providePanels(plainPanels);

const model = { id: "demo", n_layers: 8, ffn_width: 1024, activation_at_zero: 0 };

const edits = {
  interventions: [
    { ...newIntervention({ layer: 1, dim: 2 }), kind: "set" as const, value: 2, group: 4 },
    { ...newIntervention({ layer: 1, dim: 3 }), enabled: false },
    { ...newIntervention({ layer: 5, dim: 9 }), kind: "on" as const, positions: [0, -1] },
    { ...newIntervention({ layer: 99, dim: 0 }), generated: true },
  ],
  groups: [
    { id: 4, name: "<b>music</b>", enabled: true, strength: 0.5, folded: true },
    { id: 2, name: "empty", enabled: false, strength: 1, folded: false },
  ],
};
const working: Working = {
  model: "demo",
  prompt: "My wife\n<i>“é😀” שלום",
  position: 1,
  edits,
  inForce: forWire(edits, model),
  names: { L1D2: "a;b <script>" },
  generate: { newTokens: 7, sampling: { sample: false, temperature: 0.5, topP: 0.9, seed: 3 } },
  selection: { layer: 5, dim: 9 },
  reading: "difference",
  panel: "why",
  tokens: [3, 1],
};

/** Through a file, as it is written and read. */
const written = () => JSON.parse(JSON.stringify(makeRun(working))) as Record<string, unknown>;
const run = (value: Record<string, unknown>) => {
  const read = readRun(value);
  if ("problem" in read) throw new Error(read.problem);
  return read.run;
};
const problem = (value: Record<string, unknown>) => {
  const read = readRun(value);
  return "problem" in read ? read.problem : null;
};
const minimal = { format: "lm-debugger-run", version: 1, model: "gpt2", prompt: "x" };

describe("a saved run", () => {
  it("has what is in force for others to read", () => {
    expect(written()).toMatchObject({
      format: "lm-debugger-run",
      version: 1,
      model: "demo",
      prompt: working.prompt,
      position: 1,
      interventions: [
        { layer: 1, dim: 2, kind: "set", value: 1, positions: "all", generated: null },
        { layer: 5, dim: 9, kind: "on", value: null, positions: [0, -1], generated: null },
      ],
      names: { L1D2: "a;b <script>" },
      max_new_tokens: 7,
      sampling: { temperature: 0, top_p: 1, seed: 0 },
    });
  });

  it("comes back whole", () => {
    const { inForce: _, ...rest } = working;
    expect(run(written())).toEqual({ ...rest, leftOut: [] });
  });

  it("comes back whole where chance chooses the tokens", () => {
    const sampling = { sample: true, temperature: 0.5, topP: 0.9, seed: 3 };
    const value = JSON.parse(
      JSON.stringify(makeRun({ ...working, generate: { newTokens: 7, sampling } })),
    );
    expect(value.sampling).toEqual({ temperature: 0.5, top_p: 0.9, seed: 3 });
    expect(run(value).generate.sampling).toEqual(sampling);
  });

  it("is still the same when a program wrote it anew", () => {
    const value = written();
    const list = value.interventions as Record<string, unknown>[];
    const again = list.map((item) => Object.fromEntries(Object.entries(item).toReversed()));
    expect(run({ ...value, interventions: again }).edits).toEqual(edits);
  });

  it.each<[string, (list: Record<string, unknown>[]) => unknown[], number[]]>([
    ["one changed", ([first, ...rest]) => [{ ...first, value: -9 }, ...rest], [2, 9]],
    ["one taken out", (list) => list.slice(1), [9]],
    ["one put in", (list) => [...list, { layer: 0, dim: 0, kind: "off" }], [2, 9, 0]],
  ])("with %s by hand means what its interventions say", (_, change, dims) => {
    const value = written();
    const list = change(value.interventions as Record<string, unknown>[]);
    const { edits: found, leftOut } = run({ ...value, interventions: list });
    expect(found.interventions.map(({ dim }) => dim)).toEqual(dims);
    expect(found.groups).toEqual([]);
    expect(leftOut).toEqual([
      "groups and switched-off cards, as its interventions were changed by hand",
    ]);
  });
});

describe("a run of somebody else's", () => {
  it("needs no more than format, version, model and prompt", () => {
    expect(run(minimal)).toEqual({
      model: "gpt2",
      prompt: "x",
      position: null,
      edits: { interventions: [], groups: [] },
      names: {},
      generate: {},
      selection: null,
      reading: "edited",
      panel: "layers",
      tokens: [],
      leftOut: [],
    });
  });

  it("as Python writes it: null for a page, floats, all keys", () => {
    const text = `{"format":"lm-debugger-run","version":1,"model":"gpt2","prompt":"x","position":null,
      "interventions":[{"layer":1,"dim":2,"kind":"scale","value":2.0,"positions":"all","generated":null}],
      "names":{},"max_new_tokens":10,"sampling":{"temperature":0.7,"top_p":1.0,"seed":0},"page":null}`;
    const parsed = parseFile(text);
    expect("value" in parsed && run(parsed.value)).toMatchObject({
      edits: { interventions: [{ layer: 1, dim: 2, kind: "scale", value: 2, group: null }] },
      generate: {
        newTokens: 10,
        sampling: { ...USUAL_SAMPLING, sample: true, temperature: 0.7 },
      },
      leftOut: [],
    });
  });

  it.each<[string, unknown]>([
    ["no value", { layer: 1, dim: 2, kind: "set" }],
    ["another kind", { layer: 1, dim: 2, kind: "explode" }],
    ["a negative layer", { layer: -1, dim: 2, kind: "off" }],
    ["a fraction", { layer: 0.5, dim: 2, kind: "off" }],
    ["a text", "L1D2"],
    ["null", null],
    ["other positions", { layer: 1, dim: 2, kind: "off", positions: "first" }],
    ["no positions at all", { layer: 1, dim: 2, kind: "off", positions: [] }],
  ])("loses an intervention with %s, and says so", (_, item) => {
    const { edits: found, leftOut } = run({
      ...minimal,
      interventions: [item, { layer: 7, dim: 7, kind: "off" }],
    });
    expect(found.interventions).toEqual([newIntervention({ layer: 7, dim: 7 })]);
    expect(leftOut).toEqual(["1 of its 2 interventions"]);
  });

  it("loses what is too much", () => {
    const interventions = Array.from({ length: 1200 }, (_, dim) => ({
      layer: 0,
      dim,
      kind: "off",
    }));
    const { edits: found, leftOut } = run({ ...minimal, interventions });
    expect(found.interventions).toHaveLength(1000);
    expect(leftOut).toEqual(["all interventions after the first 1000"]);
  });

  it("has positions from the beginning, or the last one", () => {
    expect(run({ ...minimal, position: 3 })).toMatchObject({ position: 3, leftOut: [] });
    expect(run({ ...minimal, position: -1 })).toMatchObject({ position: null, leftOut: [] });
    expect(run({ ...minimal, position: -2 }).leftOut).toHaveLength(1);
  });

  it("cannot bring in what is none of its business", () => {
    const hostile = JSON.parse(
      `{"format":"lm-debugger-run","version":1,"model":"gpt2","prompt":"x","__proto__":{"a":1},
        "names":{"__proto__":"x","constructor":"y","L1D2":5,"L3D4":"${"n".repeat(200)}"},
        "max_new_tokens":-3,"sampling":{"temperature":1e9,"top_p":"1","seed":-1},
        "page":{"reading":"up","panel":"<b>","selection":{"layer":"1"},"tokens":["x",-1,4],"groups":7}}`,
    ) as Record<string, unknown>;
    expect(run(hostile)).toMatchObject({
      names: { L3D4: "n".repeat(80) },
      reading: "edited",
      panel: "layers",
      selection: null,
      tokens: [4],
      generate: { sampling: { ...USUAL_SAMPLING, sample: true } },
    });
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });
});

describe("what is no run", () => {
  it.each<[string, object, RegExp]>([
    ["another format", { format: "x" }, /does not say "format": "lm-debugger-run"/],
    ["a newer version", { version: 2 }, /version 2, written by a newer/],
    ["no version", { version: undefined }, /which version/],
    ["an odd version", { version: "1" }, /which version/],
    ["no prompt", { prompt: 3 }, /no prompt/],
    ["no model", { model: "" }, /which model/],
  ])("is refused with a reason: %s", (_, patch, reason) => {
    expect(problem({ ...minimal, ...patch })).toMatch(reason);
  });

  it.each<[string, string, RegExp]>([
    ["nothing", "", /not JSON/],
    ["half of it", '{"format": "lm-deb', /not JSON/],
    ["a list", "[1]", /no run/],
    ["null", "null", /no run/],
    ["too much", `{"a": "${"x".repeat(MAX_BYTES)}"}`, /larger than 1 MB/],
  ])("is refused with a reason: %s", (_, text, reason) => {
    const parsed = parseFile(text);
    expect("problem" in parsed && parsed.problem).toMatch(reason);
  });

  it("may begin with a byte order mark, though", () => {
    expect(parseFile(`\ufeff${JSON.stringify(minimal)}`)).toEqual({ value: minimal });
  });
});

describe("digest", () => {
  it("is FNV-1a of the plain text", () => {
    // http://www.isthe.com/chongo/tech/comp/fnv: offset basis 2166136261, prime 16777619.
    let hash = 2166136261n;
    for (const byte of new TextEncoder().encode("[]"))
      hash = ((hash ^ BigInt(byte)) * 16777619n) % 2n ** 32n;
    expect(digest([])).toBe(hash.toString(16).padStart(8, "0"));
  });
});
