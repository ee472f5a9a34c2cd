import { describe, expect, it, vi } from "vitest";
import { newIntervention } from "@/state/interventions";
import { asSaved, dropGroup, keepGroup, MAX_SAVED, type SavedGroup, savedGroups } from "./saved";

const group = (name: string, patch: Partial<SavedGroup> = {}): SavedGroup => ({
  name,
  strength: -0.5,
  cards: [
    { ...newIntervention({ layer: 1, dim: 2 }), kind: "set", value: 3, positions: [0, 2] },
    { ...newIntervention({ layer: 3, dim: 4 }), enabled: false, generated: true },
  ],
  names: { L1D2: "<b>“é😀” שלום</b>" },
  ...patch,
});

describe("saved groups", () => {
  it("are there again, by name, for their model only", () => {
    const [b, a] = [group("b"), group("<i>a</i>")];
    expect([keepGroup("demo", b), keepGroup("demo", a)]).toEqual([true, true]);
    expect(savedGroups("demo")).toEqual([a, b]);
    expect(savedGroups("gpt2")).toEqual([]);
  });

  it("are replaced by one of the same name, and go", () => {
    keepGroup("demo", group("a"));
    keepGroup("demo", group("b"));
    keepGroup("demo", group("a", { strength: 2 }));
    expect(savedGroups("demo").map(({ name, strength }) => [name, strength])).toEqual([
      ["a", 2],
      ["b", -0.5],
    ]);
    dropGroup("demo", "a");
    dropGroup("demo", "b");
    expect(localStorage.getItem("lmd.groups.demo")).toBeNull();
  });

  it("are made of a group's cards and their names, free of the group", () => {
    const cards = [
      { ...newIntervention({ layer: 1, dim: 2 }), group: 7 },
      newIntervention({ layer: 8, dim: 8 }),
    ];
    const box = { id: 7, name: "music", enabled: false, strength: 2, folded: true };
    const names = { L1D2: "songs", L8D8: "others" };
    expect(asSaved({ interventions: cards, groups: [box] }, box, names)).toEqual({
      name: "music",
      strength: 2,
      cards: [newIntervention({ layer: 1, dim: 2 })],
      names: { L1D2: "songs" },
    });
  });

  it.each(["", "{", "[1, null, {}]", '{"a": 1}', '[{"name": "  "}]'])(
    "survive storage that somebody else wrote into: %s",
    (text) => {
      localStorage.setItem("lmd.groups.demo", text);
      expect(savedGroups("demo")).toEqual([]);
    },
  );

  it("say so when the browser keeps nothing", () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    expect(keepGroup("demo", group("a"))).toBe(false);
  });

  it("are not endless", () => {
    for (let count = 0; count < MAX_SAVED; count++)
      expect(keepGroup("demo", group(`g${count}`, { cards: [] }))).toBe(true);
    expect(keepGroup("demo", group("one more"))).toBe(false);
    expect(JSON.parse(localStorage.getItem("lmd.groups.demo") ?? "")).toHaveLength(MAX_SAVED);
    expect(keepGroup("demo", group("g7"))).toBe(true);
  });
});
