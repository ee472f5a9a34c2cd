import { beforeEach, describe, expect, it } from "vitest";
import { followOtherTabs, namesOf, useNames } from "./names";

const ref = { layer: 1, dim: 2 };
const names = useNames.getState;

/** What a page that is opened afterwards would find. */
const reopened = (model: string) => {
  useNames.setState({ byModel: {} });
  return names().open(model);
};

beforeEach(() => useNames.setState({ byModel: {} }));

describe("names", () => {
  it.each(["a;b=c", "<b>bold</b>", "“quoted”", "naïve 😀", "שלום", "__proto__", "a*b_c&d#e"])(
    "keeps %j over a reload, letter by letter",
    (name) => {
      names().rename("demo", ref, name);
      expect(reopened("demo")).toEqual({ L1D2: name });
    },
  );

  it("belong to one model", () => {
    names().rename("demo", ref, "music");
    expect(reopened("gpt2")).toEqual({});
    expect(namesOf(names(), null)).toEqual({});
  });

  it("go away with an empty name", () => {
    names().rename("demo", ref, "music");
    names().rename("demo", ref, "  ");
    expect(reopened("demo")).toEqual({});
  });

  it("lose line breaks and anything beyond 80 characters, never half a character", () => {
    names().rename("demo", ref, ` a\n\tb\u0000 ${"😀".repeat(90)}`);
    const name = reopened("demo").L1D2 ?? "";
    expect(name.startsWith("a b ")).toBe(true);
    expect([...name]).toHaveLength(80);
    expect(name.endsWith("😀")).toBe(true);
  });

  it("of an example never replace a person's own", () => {
    names().rename("demo", ref, "mine");
    names().adopt("demo", { L1D2: "theirs", L3D4: "songs", nonsense: "x" });
    expect(reopened("demo")).toEqual({ L1D2: "mine", L3D4: "songs" });
  });

  it("of a link wait until it is known whose they are", () => {
    names().rename("demo", ref, "mine");
    names().adoptLater({ L1D2: "theirs", L3D4: "songs" });
    expect(names().open("demo")).toEqual({ L1D2: "mine", L3D4: "songs" });
    expect(names().open("other")).toEqual({});
  });

  it("survive storage that somebody else wrote into", () => {
    localStorage.setItem("lmd.names.demo", '{"L1D2": 3, "x": "y", "l5d6": " ok "}');
    expect(reopened("demo")).toEqual({ L5D6: "ok" });
    localStorage.setItem("lmd.names.demo", "not json");
    expect(reopened("demo")).toEqual({});
  });

  it("follow another tab", () => {
    names().open("demo");
    const stop = followOtherTabs();
    localStorage.setItem("lmd.names.demo", '{"L1D2": "elsewhere"}');
    window.dispatchEvent(new StorageEvent("storage", { key: "lmd.names.demo" }));
    stop();
    expect(namesOf(names(), "demo")).toEqual({ L1D2: "elsewhere" });
  });
});
