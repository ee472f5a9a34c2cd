import { describe, expect, it } from "vitest";
import { describeMerge, makeNames, mergeNames, readNamesFile } from "./namesFile";

const read = (value: unknown) => readNamesFile(value as Record<string, unknown>);

describe("a file of names", () => {
  it.each([
    "a;b=c",
    "<img src=x onerror=alert(1)>",
    `"quoted" 'twice'`,
    "שלום עולם",
    "👩‍👩‍👧 é",
    "__proto__",
  ])("gives back %j letter by letter", (name) => {
    const names = { L1D2: name, L30D4095: "x" };
    const file = JSON.parse(JSON.stringify(makeNames("org/gpt2", names)));
    expect(read(file)).toEqual({ model: "org/gpt2", names });
  });

  it("loses what is no vector or no name, and takes any way to write L1D2", () => {
    const names = { l1d2: " a\nb ", x: "y", L3D4: "", L5D6: 7, __proto__: "z" };
    expect(read({ ...makeNames("m", {}), names })).toEqual({ model: "m", names: { L1D2: "a b" } });
  });

  it.each<[string, object, RegExp]>([
    ["a newer version", { version: 2 }, /newer/],
    ["no model", { model: 1 }, /which model/],
    ["no names", { names: [] }, /no names/],
    ["nothing that is one", { names: { x: "y" } }, /no name that belongs/],
  ])("is refused with a reason: %s", (_, patch, reason) => {
    const found = read({ ...makeNames("m", { L1D2: "a" }), ...patch });
    expect("problem" in found && found.problem).toMatch(reason);
  });
});

describe("merging", () => {
  const mine = { L1D1: "mine", L1D2: "same", L1D3: "only mine" };
  const theirs = { L1D1: "theirs", L1D2: "same", L1D4: "new", L1D5: "newer" };
  const merge = mergeNames(mine, theirs);

  it("counts, and never loses a name of either side by accident", () => {
    expect(merge).toMatchObject({ added: 2, same: 1, differing: 1 });
    expect(merge.keepingMine).toEqual({ ...theirs, ...mine });
    expect(merge.takingTheirs).toEqual({ ...mine, ...theirs });
    expect(merge.keepingMine.L1D1).toBe("mine");
    expect(merge.takingTheirs.L1D1).toBe("theirs");
  });

  it("says what it did", () => {
    expect(describeMerge(merge, false)).toBe(
      "2 names added, 1 name of your own kept, 1 name there already.",
    );
    expect(describeMerge(merge, true)).toBe(
      "2 names added, 1 name replaced, 1 name there already.",
    );
    expect(describeMerge(mergeNames({}, { L1D1: "a" }), false)).toBe("1 name added.");
    expect(describeMerge(mergeNames(mine, mine), false)).toBe("3 names there already.");
  });
});
