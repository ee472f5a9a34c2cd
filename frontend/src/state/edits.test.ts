import { describe, expect, it } from "vitest";
import { parseValue, type ValueRef, valueKey } from "@/lib/values";
import { type Change, freshName, MAX_GROUPS, reduce, stepCard } from "./edits";
import {
  type Edits,
  type Group,
  type Intervention,
  NO_EDITS,
  newIntervention,
} from "./interventions";

const a = { layer: 1, dim: 2 };
const b = { layer: 3, dim: 4 };

const ref = (key: string): ValueRef => parseValue(key) ?? { layer: 0, dim: 0 };
const group = (id: number, patch: Partial<Group> = {}): Group => ({
  id,
  name: `Group ${id}`,
  enabled: true,
  strength: 1,
  folded: false,
  ...patch,
});
/** `made("L0D1 L0D2 | L0D3 | L0D4")`: two in no group, one in group 1, one in group 2. */
function made(text: string): Edits {
  const parts = text.split("|").map((part) => part.split(" ").filter(Boolean));
  return {
    interventions: parts.flatMap((keys, id) =>
      keys.map((key) => ({ ...newIntervention(ref(key)), group: id === 0 ? null : id })),
    ),
    groups: parts.slice(1).map((_, index) => group(index + 1)),
  };
}
/** The same the other way round, groups in their order. */
const shown = ({ interventions, groups }: Edits): string =>
  [null, ...groups.map(({ id }) => id)]
    .map((id) =>
      interventions
        .filter((item) => item.group === id)
        .map(valueKey)
        .join(" "),
    )
    .join(" | ");
const list = (edits: Edits) => edits.interventions;

describe("cards", () => {
  it("are added suppressed, at all positions, taking part, in no group", () => {
    expect(list(reduce(NO_EDITS, { type: "add", ref: a }))).toEqual([
      {
        layer: 1,
        dim: 2,
        kind: "off",
        value: 1,
        positions: "all",
        generated: null,
        enabled: true,
        group: null,
      },
    ]);
  });

  it("are there at most once and keep what was set when they are added again", () => {
    const one = reduce(NO_EDITS, { type: "add", ref: a });
    const boosted = reduce(one, { type: "update", ref: a, patch: { kind: "on" } });
    expect(reduce(boosted, { type: "add", ref: a })).toBe(boosted);
    const idle = reduce(boosted, { type: "update", ref: a, patch: { enabled: false } });
    const again = reduce(idle, { type: "add", ref: a });
    expect(list(again)).toMatchObject([{ kind: "on", enabled: true }]);
  });

  it("of the same vector: the last one wins, in the first one's place", () => {
    const cards: Intervention[] = [
      newIntervention(a),
      newIntervention(b),
      { ...newIntervention(a), kind: "on" },
    ];
    const result = reduce(NO_EDITS, { type: "replace", list: cards });
    expect(list(result).map((item) => [item.layer, item.kind])).toEqual([
      [1, "on"],
      [3, "off"],
    ]);
  });

  it("go alone, and nothing goes where there is nothing", () => {
    const edits = made("L1D2 L3D4");
    expect(shown(reduce(edits, { type: "remove", ref: a }))).toBe("L3D4");
    expect(reduce(edits, { type: "remove", ref: { layer: 9, dim: 9 } })).toBe(edits);
  });

  it("do not change by a change that changes nothing", () => {
    const edits = {
      ...NO_EDITS,
      interventions: [{ ...newIntervention(a), positions: [1, 2] }, newIntervention(b)],
    };
    const same: Change = { type: "update", ref: a, patch: { value: 1, positions: [1, 2] } };
    expect(reduce(edits, same)).toBe(edits);
    expect(list(reduce(edits, { type: "update", ref: a, patch: { value: 1.05 } }))).toMatchObject([
      { value: 1.05 },
      { value: 1 },
    ]);
  });

  it("leave a group that does not exist", () => {
    const cards = [{ ...newIntervention(a), group: 7 }];
    const edits = reduce(NO_EDITS, { type: "replace", list: cards, groups: [group(1)] });
    expect(list(edits)).toMatchObject([{ group: null }]);
  });
});

describe("moving a card", () => {
  const start = made("L0D1 L0D2 | L0D3 L0D4 | L0D5");

  it.each<[string, number | null, number, string]>([
    ["L0D1", null, 1, "L0D2 L0D1 | L0D3 L0D4 | L0D5"],
    ["L0D2", null, 0, "L0D2 L0D1 | L0D3 L0D4 | L0D5"],
    ["L0D4", 1, 0, "L0D1 L0D2 | L0D4 L0D3 | L0D5"],
    ["L0D1", 1, 0, "L0D2 | L0D1 L0D3 L0D4 | L0D5"],
    ["L0D1", 1, 1, "L0D2 | L0D3 L0D1 L0D4 | L0D5"],
    ["L0D1", 1, 9, "L0D2 | L0D3 L0D4 L0D1 | L0D5"],
    ["L0D5", 1, 2, "L0D1 L0D2 | L0D3 L0D4 L0D5 | "],
    ["L0D5", null, 0, "L0D5 L0D1 L0D2 | L0D3 L0D4 | "],
    ["L0D3", 2, -5, "L0D1 L0D2 | L0D4 | L0D3 L0D5"],
  ])("%s to group %s, place %i", (key, to, index, expected) => {
    const change: Change = { type: "move", ref: ref(key), group: to, index };
    expect(shown(reduce(start, change))).toBe(expected);
  });

  it("to where it is, to no group, or of no card: nothing", () => {
    const still: Change = { type: "move", ref: ref("L0D3"), group: 1, index: 0 };
    expect(reduce(start, still)).toBe(start);
    expect(reduce(start, { ...still, ref: ref("L0D4"), index: 1 })).toBe(start);
    expect(reduce(start, { ...still, group: 8 })).toBe(start);
    expect(reduce(start, { ...still, ref: ref("L9D9") })).toBe(start);
  });

  it("keeps everything that was set", () => {
    const edits = reduce(start, {
      type: "update",
      ref: ref("L0D1"),
      patch: { kind: "set", value: -2, positions: [3], enabled: false },
    });
    const moved = reduce(edits, { type: "move", ref: ref("L0D1"), group: 2, index: 0 });
    expect(list(moved).find(({ dim }) => dim === 1)).toMatchObject({
      kind: "set",
      value: -2,
      positions: [3],
      enabled: false,
      group: 2,
    });
  });
});

describe("a step with the keyboard", () => {
  const walk = (text: string, key: string, by: 1 | -1): string[] => {
    let edits = made(text);
    const seen: string[] = [];
    for (let change = stepCard(edits, ref(key), by); change; ) {
      edits = reduce(edits, change);
      seen.push(shown(edits));
      change = stepCard(edits, ref(key), by);
    }
    return seen;
  };

  it("takes a card down through all groups, each place once", () => {
    expect(walk("L0D1 L0D2 | L0D3 | ", "L0D1", 1)).toEqual([
      "L0D2 L0D1 | L0D3 | ",
      "L0D2 | L0D1 L0D3 | ",
      "L0D2 | L0D3 L0D1 | ",
      "L0D2 | L0D3 | L0D1",
    ]);
  });

  it("and up again", () => {
    expect(walk("L0D2 | L0D3 | L0D1", "L0D1", -1)).toEqual([
      "L0D2 | L0D3 L0D1 | ",
      "L0D2 | L0D1 L0D3 | ",
      "L0D2 L0D1 | L0D3 | ",
      "L0D1 L0D2 | L0D3 | ",
    ]);
  });

  it("ends at the ends", () => {
    expect(stepCard(made("L0D1"), ref("L0D1"), 1)).toBeNull();
    expect(stepCard(made("L0D1"), ref("L0D1"), -1)).toBeNull();
    expect(stepCard(made("L0D1"), ref("L0D2"), 1)).toBeNull();
  });
});

describe("groups", () => {
  const { id: _, ...fresh } = group(0, { name: "music", strength: 2 });

  it("take cards along and are last", () => {
    const start = made("L0D1 L0D2 L0D3 | L0D4");
    const cards = list(start).filter(({ dim }) => dim === 1 || dim === 4);
    const next = reduce(start, { type: "insertGroup", group: fresh, cards });
    expect(shown(next)).toBe("L0D2 L0D3 |  | L0D1 L0D4");
    expect(next.groups[1]).toEqual({ ...fresh, id: 2 });
  });

  it("that come with cards of their own replace those of the same vectors", () => {
    const start = made("L0D1 L0D2");
    const cards: Intervention[] = [{ ...newIntervention(ref("L0D2")), kind: "on", group: 77 }];
    const next = reduce(start, { type: "insertGroup", group: fresh, cards });
    expect(shown(next)).toBe("L0D1 | L0D2");
    expect(list(next)[1]).toMatchObject({ kind: "on", group: 1 });
  });

  it("are not more than can be shown", () => {
    let edits = NO_EDITS;
    for (let count = 0; count < MAX_GROUPS + 3; count++)
      edits = reduce(edits, { type: "insertGroup", group: fresh, cards: [] });
    expect(edits.groups).toHaveLength(MAX_GROUPS);
    expect(new Set(edits.groups.map(({ id }) => id)).size).toBe(MAX_GROUPS);
  });

  it("change alone, and not by a change that changes nothing", () => {
    const start = made("| L0D1 | L0D2");
    const next = reduce(start, { type: "updateGroup", id: 2, patch: { enabled: false } });
    expect(next.groups.map(({ enabled }) => enabled)).toEqual([true, false]);
    expect(next.interventions).toBe(start.interventions);
    expect(reduce(start, { type: "updateGroup", id: 2, patch: { strength: 1 } })).toBe(start);
    expect(reduce(start, { type: "updateGroup", id: 5, patch: { strength: 2 } })).toBe(start);
  });

  it("move with their cards", () => {
    const start = made("L0D1 | L0D2 | L0D3 | L0D4");
    const moved = reduce(start, { type: "moveGroup", id: 3, index: 0 });
    expect(shown(moved)).toBe("L0D1 | L0D4 | L0D2 | L0D3");
    expect(shown(reduce(moved, { type: "moveGroup", id: 3, index: 2 }))).toBe(shown(start));
    expect(reduce(start, { type: "moveGroup", id: 1, index: 0 })).toBe(start);
  });

  it("are dissolved, or go with their cards", () => {
    const start = made("L0D1 | L0D2 L0D3 | L0D4");
    const without = (cards: "stay" | "go") =>
      shown(reduce(start, { type: "removeGroup", id: 1, cards }));
    expect(without("stay")).toBe("L0D1 L0D2 L0D3 | L0D4");
    expect(without("go")).toBe("L0D1 | L0D4");
  });

  it("go with everything else", () => {
    expect(reduce(made("L0D1 | L0D2"), { type: "replace", list: [] })).toEqual(NO_EDITS);
  });

  it("are called something that no other one is", () => {
    expect(freshName(NO_EDITS)).toBe("Group 1");
    expect(freshName({ ...NO_EDITS, groups: [group(4, { name: "Group 1" })] })).toBe("Group 2");
  });
});
