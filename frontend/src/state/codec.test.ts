import { describe, expect, it } from "vitest";
import { emptyLink as empty } from "@/test/links";
import { PANEL_IDS, plainPanels } from "@/test/panels";
import { digest, forWire, readEdits, readIntervention } from "./codec";
import { KINDS, newIntervention, type Positions, takesValue } from "./interventions";
import { providePanels } from "./panels";
import { READINGS } from "./session";
import { decodeLink, encodeLink, type LinkState } from "./url";

providePanels(plainPanels);

/** All combinations of one choice of each kind. */
function* product<T extends Record<string, readonly unknown[]>>(
  choices: T,
): Generator<{ [K in keyof T]: T[K][number] }> {
  const [first, ...rest] = Object.entries(choices);
  if (!first) {
    yield {} as { [K in keyof T]: T[K][number] };
    return;
  }
  for (const value of first[1])
    for (const others of product(Object.fromEntries(rest)))
      yield { [first[0]]: value, ...others } as { [K in keyof T]: T[K][number] };
}

describe("every combination", () => {
  const back = (state: LinkState) => decodeLink(encodeLink("trace", state).hash).state;

  it("of what a card can say comes back", () => {
    const cards = product({
      kind: KINDS,
      value: [1, 0, -2.5, 1e-7],
      positions: ["all", "last", [0], [3, -1]] as Positions[],
      generated: [null, true, false],
      enabled: [true, false],
      group: [null, 7],
    });
    const groups = [{ id: 7, name: "g", enabled: true, strength: 1, folded: false }];
    const model = { n_layers: 2, ffn_width: 3, activation_at_zero: 0 };
    let count = 0;
    for (const { value, ...rest } of cards) {
      const takes = takesValue(rest.kind);
      const card = { ...newIntervention({ layer: 1, dim: 2 }), ...rest, value: takes ? value : 1 };
      const state = { ...empty, interventions: [card], groups };
      expect(back(state)).toEqual(state);
      // As a file has it, and as a server was sent it: alone, and what is in force only.
      const kept = JSON.parse(JSON.stringify({ interventions: [card], groups }));
      expect(readEdits(kept.interventions, kept.groups)).toEqual(kept);
      const sent = JSON.parse(JSON.stringify(forWire(kept, model)));
      const alone = { ...card, group: null };
      expect(sent.map(readIntervention)).toEqual(card.enabled ? [alone] : []);
      expect(digest(sent)).toBe(digest(sent.map(readIntervention)));
      count += 1;
    }
    expect(count).toBe(5 * 4 * 4 * 3 * 2 * 2);
  });

  it("of what a group can say comes back", () => {
    const groups = product({
      id: [0, 1, 9_999_999],
      name: ["x", "a*b", "*", "1*x*2*y", "é 😀", "<img src=x onerror=alert(1)>", "שלום"],
      enabled: [true, false],
      strength: [1, 0, -0.5, 1e-9, 1e300],
      folded: [true, false],
    });
    for (const group of groups) {
      const state = { ...empty, groups: [group] };
      expect(back(state)).toEqual(state);
    }
  });

  it("of where the page is comes back", () => {
    const places = product({
      model: [null, "org/gpt2"],
      prompt: [null, "", "a b"],
      position: [null, 0, 12],
      selection: [null, { layer: 0, dim: 0 }],
      reading: READINGS,
      panel: PANEL_IDS,
      tokens: [[], [0], [5, 4, 3]],
    });
    for (const place of places) {
      const state = { ...empty, ...place };
      expect(back(state)).toEqual(state);
    }
  });
});

describe("groups in a link", () => {
  const read = (query: string) => decodeLink(`#/trace?v=1&${query}`).state;

  it("were not there once: older links are read as they were", () => {
    expect(read("i=L1D2*off_-L3D4*set*2*last*g1")).toMatchObject({
      interventions: [
        { layer: 1, dim: 2, group: null, enabled: true },
        { layer: 3, dim: 4, group: null, enabled: false, generated: true },
      ],
      groups: [],
    });
  });

  it("that are missing leave their cards alone", () => {
    expect(read("i=L1D2*off****5&g=4***x")?.interventions).toMatchObject([{ group: null }]);
  });

  it.each([
    ["g=x***name", []],
    ["g=-1***name", []],
    ["g=", []],
    ["g=2", [{ id: 2, name: "", enabled: true, strength: 1, folded: false }]],
    ["g=2**NaN*n", [{ id: 2, name: "n", strength: 1 }]],
    ["g=2**1e999*n", [{ id: 2, name: "n", strength: 1 }]],
    ["g=2***a&g=2***b", [{ id: 2, name: "b" }]],
    [`g=2***${"n".repeat(200)}`, [{ id: 2, name: "n".repeat(80) }]],
  ])("as somebody else wrote them: %s", (query, groups) => {
    expect(read(query)?.groups).toMatchObject(groups);
    expect(read(query)?.groups).toHaveLength(groups.length);
  });

  it("are at most 32", () => {
    const many = Array.from({ length: 99 }, (_, id) => `g=${id}***n`).join("&");
    expect(read(many)?.groups).toHaveLength(32);
  });
});

describe("interventions in a link", () => {
  const read = (text: string) => decodeLink(`#/trace?v=1&i=${text}`).state?.interventions;

  it.each(["1e-7", "-3", "0", "1e300", "0.30000000000000004"])("keeps the value %s", (text) => {
    const item = { ...newIntervention({ layer: 1, dim: 2 }), kind: "scale", value: Number(text) };
    const state = { ...empty, interventions: [item] } as LinkState;
    expect(decodeLink(encodeLink("trace", state).hash).state?.interventions).toEqual([item]);
  });

  it.each(["NaN", "Infinity", "", "abc", "1e999"])("leaves out the value “%s”", (text) => {
    expect(read(`L1D2*set*${text}`)).toEqual([]);
  });

  it.each(["1..2", ".", "1.5x", "1e3", " 1", "99999999999"])(
    "takes positions that it cannot read, “%s”, for all",
    (text) => expect(read(`L1D2*scale*2*${text}`)).toMatchObject([{ positions: "all" }]),
  );
});

describe("an intervention in a file", () => {
  it.each([
    [
      { layer: 1, dim: 2 },
      { layer: 1, dim: 2 },
    ],
    [{ node: "L1D2" }, { layer: 1, dim: 2 }],
    [{ node: " l1d2" }, { layer: 1, dim: 2 }],
  ])("is about the vector %j", (named, ref) => {
    expect(readIntervention({ ...named, kind: "off" })).toEqual(newIntervention(ref));
  });

  it.each([{ node: "L1H2" }, { node: "L1D2@4" }, { node: "L1", layer: 1, dim: 2 }, { layer: 1 }])(
    "is none where it is about %j",
    (named) => expect(readIntervention({ ...named, kind: "off" })).toBeNull(),
  );
});
