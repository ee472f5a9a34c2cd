import { describe, expect, it } from "vitest";
import type { Kind } from "@/api/types";
import { forWire } from "./codec";
import {
  atStrength,
  chooseGenerated,
  type Edits,
  editsGenerated,
  type Group,
  type Intervention,
  isScalable,
  KINDS,
  neutralValue,
  newIntervention,
  togglePosition,
} from "./interventions";

const a = { layer: 1, dim: 2 };
const b = { layer: 3, dim: 4 };
const shape = { n_layers: 4, ffn_width: 8 };

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

const card = (kind: Kind, value = 1, patch: Partial<Intervention> = {}): Intervention => ({
  ...newIntervention(a),
  kind,
  value,
  ...patch,
});
const edits = (interventions: Intervention[], groups: Partial<Group>[] = []): Edits => ({
  interventions,
  groups: groups.map((group) => ({
    id: 1,
    name: "music",
    enabled: true,
    strength: 1,
    folded: false,
    ...group,
  })),
});

describe("forWire", () => {
  it("sends what takes part and exists in the model", () => {
    const list = [
      newIntervention(a),
      { ...newIntervention(b), enabled: false },
      newIntervention({ layer: 4, dim: 0 }),
      newIntervention({ layer: 0, dim: 8 }),
    ];
    expect(forWire(edits(list), shape)).toEqual([
      { layer: 1, dim: 2, kind: "off", value: null, positions: "all", generated: null },
    ]);
  });

  it("sends a value with set, scale and add, and none with on and off", () => {
    const sent = KINDS.map((kind) => forWire(edits([card(kind, -1.5)]), shape)[0]?.value);
    expect(sent).toEqual([null, null, -1.5, -1.5, -1.5]);
  });

  it("leaves out the cards of a group that is off, whatever their own switches say", () => {
    const list = [
      card("on", 1, { group: 1 }),
      { ...card("off", 1, { ...b, group: 1 }), enabled: false },
      card("off", 1, { dim: 7 }),
    ];
    const dims = (enabled: boolean) =>
      forWire(edits(list, [{ enabled }]), shape).map(({ dim }) => dim);
    expect(dims(true)).toEqual([2, 7]);
    expect(dims(false)).toEqual([7]);
  });

  it("keeps positions and generated tokens as they are", () => {
    const item = card("set", 4, { group: 1, positions: [0, -1], generated: true });
    expect(forWire(edits([item], [{ strength: 0.5 }]), shape)).toEqual([
      { ...a, kind: "set", value: 2, positions: [0, -1], generated: true },
    ]);
  });

  it("scales only what is in the group", () => {
    const list = [card("set", 4, { group: 1 }), card("set", 4, b)];
    expect(forWire(edits(list, [{ strength: 3 }]), shape).map(({ value }) => value)).toEqual([
      12, 4,
    ]);
  });
});

describe("a strength f", () => {
  const at = (kind: Kind, value: number, strength: number, atZero: number | null | undefined = 0) =>
    atStrength({ kind, value }, strength, atZero);

  // c: f·c; α: 1 + f(α − 1); off: the rest, 1 − f. Written out by hand.
  it.each<[Kind, number, number, Kind, number]>([
    ["set", 4, 0.5, "set", 2],
    ["set", 4, -1, "set", -4],
    ["set", 4, 0, "set", 0],
    ["set", -0.25, 2, "set", -0.5],
    ["add", 3, 0.5, "add", 1.5],
    ["add", -3, 2, "add", -6],
    ["add", -3, 0, "add", 0],
    ["scale", 3, 0.5, "scale", 2],
    ["scale", 0, 0.25, "scale", 0.75],
    ["scale", -1, 0.5, "scale", 0],
    ["scale", 2, -1, "scale", 0],
    ["scale", 7, 0, "scale", 1],
    ["scale", 1, 9, "scale", 1],
    ["off", 1, 0, "scale", 1],
    ["off", 1, 0.25, "scale", 0.75],
    ["off", 1, 2, "scale", -1],
    ["off", 1, -1, "scale", 2],
  ])("makes of %s %f at %f: %s %f", (kind, value, strength, expectedKind, expected) => {
    expect(at(kind, value, strength)).toStrictEqual({ kind: expectedKind, value: expected });
  });

  it.each<[Kind, number]>([
    ["set", 0.1],
    ["add", -0.3],
    ["scale", 0.1],
  ])("of 1 leaves %s %f to the last digit", (kind, value) => {
    expect(at(kind, value, 1)).toStrictEqual({ kind, value });
  });

  it("of 1 leaves off as it is, and on is never scaled", () => {
    expect(at("off", 1, 1)).toEqual({ kind: "off", value: null });
    for (const strength of [0, 0.5, 1, -2])
      expect(at("on", 1, strength)).toEqual({ kind: "on", value: null });
  });

  it("scales off where the activation is 0 at 0", () => {
    expect(at("off", 1, 0.5, 0)).toEqual({ kind: "scale", value: 0.5 });
    expect(isScalable("off", 0)).toBe(true);
  });

  it.each([0.5, 0.006, -1e-30, null, undefined])(
    "keeps off as it is where the activation is %j at 0",
    (atZero) => {
      const off = { kind: "off", value: 1 } as const;
      expect(atStrength(off, 0.5, atZero)).toEqual({ kind: "off", value: null });
      expect(isScalable("off", atZero)).toBe(false);
    },
  );

  it("stays a number that JSON knows", () => {
    expect(at("set", 1e300, 1e300).value).toBe(Number.MAX_VALUE);
    expect(at("scale", -1e300, 1e300).value).toBe(-Number.MAX_VALUE);
    expect(Object.is(at("set", 4, -0).value, 0)).toBe(true);
  });
});
