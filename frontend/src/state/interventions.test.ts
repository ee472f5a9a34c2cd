import { describe, expect, it } from "vitest";
import {
  chooseGenerated,
  editsGenerated,
  forWire,
  type Intervention,
  neutralValue,
  newIntervention,
  reduce,
  togglePosition,
} from "./interventions";

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

describe("an update that changes nothing", () => {
  it("is no step", () => {
    const list = [{ ...newIntervention(a), positions: [1, 2] }, newIntervention(b)];
    expect(reduce(list, { type: "update", ref: a, patch: { value: 1, positions: [1, 2] } })).toBe(
      list,
    );
    expect(reduce(list, { type: "update", ref: a, patch: { value: 1.05 } })).toMatchObject([
      { value: 1.05 },
      { value: 1 },
    ]);
  });
});

describe("neutralValue", () => {
  it("is where a kind changes nothing", () => {
    expect(neutralValue("scale", 5)).toBe(1);
    expect(neutralValue("add", 5)).toBe(0);
    expect(neutralValue("set", -0.169557)).toBe(-0.1696);
    expect(neutralValue("set", null)).toBe(0);
  });
});

describe("positions", () => {
  it("go in and out in their order, and none at all means all", () => {
    expect(togglePosition("all", 3)).toEqual([3]);
    expect(togglePosition("last", 0)).toEqual([0]);
    expect(togglePosition([3], 1)).toEqual([1, 3]);
    expect(togglePosition([2, 10], 9)).toEqual([2, 9, 10]);
    expect(togglePosition([1, 3], 1)).toEqual([3]);
    expect(togglePosition([3], 3)).toBe("all");
  });

  it("decide about generated tokens until somebody else does", () => {
    const item = newIntervention(a);
    const edits = (positions: Intervention["positions"], generated: boolean | null = null) =>
      editsGenerated({ ...item, positions, generated });
    expect([edits("all"), edits("last"), edits([0])]).toEqual([true, false, false]);
    expect([edits("all", false), edits("last", true)]).toEqual([false, true]);
    expect(chooseGenerated("all", true)).toBeNull();
    expect(chooseGenerated("last", false)).toBeNull();
    expect(chooseGenerated("all", false)).toBe(false);
    expect(chooseGenerated([1], true)).toBe(true);
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
