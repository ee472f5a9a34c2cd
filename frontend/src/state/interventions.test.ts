import { describe, expect, it } from "vitest";
import { forWire, type Intervention, newIntervention, reduce } from "./interventions";

const a = { layer: 1, dim: 2 };
const b = { layer: 3, dim: 4 };
const shape = { n_layers: 4, ffn_width: 8 };

describe("reduce", () => {
  it("adds a vector suppressed, at all positions, taking part", () => {
    expect(reduce([], { type: "add", ref: a })).toEqual([
      { layer: 1, dim: 2, kind: "off", value: 1, positions: "all", generated: null, enabled: true },
    ]);
  });

  it("has a vector at most once and keeps what was set when it is added again", () => {
    const list = reduce([], { type: "add", ref: a });
    const boosted = reduce(list, { type: "update", ref: a, patch: { kind: "on" } });
    expect(reduce(boosted, { type: "add", ref: a })).toBe(boosted);
    const idle = reduce(boosted, { type: "update", ref: a, patch: { enabled: false } });
    const again = reduce(idle, { type: "add", ref: a });
    expect(again).toMatchObject([{ kind: "on", enabled: true }]);
  });

  it("lets the last of the same vector win, in the first one's place", () => {
    const list: Intervention[] = [
      newIntervention(a),
      newIntervention(b),
      { ...newIntervention(a), kind: "on" },
    ];
    const result = reduce([], { type: "replace", list });
    expect(result.map((item) => [item.layer, item.kind])).toEqual([
      [1, "on"],
      [3, "off"],
    ]);
  });

  it("removes only the one that is meant, and nothing where there is nothing", () => {
    const list = [newIntervention(a), newIntervention(b)];
    expect(reduce(list, { type: "remove", ref: a })).toEqual([newIntervention(b)]);
    expect(reduce(list, { type: "remove", ref: { layer: 9, dim: 9 } })).toBe(list);
  });
});

describe("forWire", () => {
  it("sends what takes part and exists in the model", () => {
    const list: Intervention[] = [
      newIntervention(a),
      { ...newIntervention(b), enabled: false },
      newIntervention({ layer: 4, dim: 0 }),
      newIntervention({ layer: 0, dim: 8 }),
    ];
    expect(forWire(list, shape)).toEqual([
      { layer: 1, dim: 2, kind: "off", value: null, positions: "all", generated: null },
    ]);
  });

  it("sends a value with set, scale and add, and none with on and off", () => {
    const kinds = ["on", "off", "set", "scale", "add"] as const;
    const sent = kinds.map(
      (kind) => forWire([{ ...newIntervention(a), kind, value: -1.5 }], shape)[0]?.value,
    );
    expect(sent).toEqual([null, null, -1.5, -1.5, -1.5]);
  });
});
