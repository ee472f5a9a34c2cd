import { beforeEach, describe, expect, it } from "vitest";
import { commit, redo, startHistory, undo } from "./history";
import { newIntervention } from "./interventions";
import { initialSession, interventionsOf, useSession } from "./session";
import { keepSession, readSession } from "./storage";

const a = { layer: 1, dim: 2 };
const b = { layer: 3, dim: 4 };
const session = useSession.getState;
const list = () => interventionsOf(session()).map(({ layer, dim, kind }) => [layer, dim, kind]);

beforeEach(() => useSession.setState(initialSession));

describe("history", () => {
  it("goes back and forth, and a new step drops what was undone", () => {
    let history = startHistory(0);
    for (const step of [1, 2, 3]) history = commit(history, step);
    history = undo(undo(history));
    expect(history.present).toBe(1);
    expect(redo(history).present).toBe(2);
    expect(redo(commit(history, 9))).toEqual(commit(history, 9));
  });

  it("makes one step of a dragged slider", () => {
    let history = startHistory(0);
    history = commit(history, 1);
    for (const value of [2, 3, 4]) history = commit(history, value, "slider");
    expect(undo(history).present).toBe(1);
  });

  it("stays where it is at either end", () => {
    const history = startHistory(0);
    expect(undo(history)).toBe(history);
    expect(redo(history)).toBe(history);
  });
});

describe("undo and redo of interventions", () => {
  it("takes back adding, switching, removing and clearing, one at a time", () => {
    session().change({ type: "add", ref: a });
    session().change({ type: "add", ref: b });
    session().change({ type: "update", ref: a, patch: { kind: "on" } });
    session().change({ type: "remove", ref: b });
    session().change({ type: "replace", list: [] });
    expect(list()).toEqual([]);
    session().undo();
    expect(list()).toEqual([[1, 2, "on"]]);
    session().undo();
    expect(list()).toEqual([
      [1, 2, "on"],
      [3, 4, "off"],
    ]);
    session().undo();
    session().undo();
    expect(list()).toEqual([[1, 2, "off"]]);
    session().redo();
    expect(list()).toEqual([
      [1, 2, "off"],
      [3, 4, "off"],
    ]);
  });

  it("leaves the prompt box alone", () => {
    session().setDraft("first");
    session().change({ type: "add", ref: a });
    session().setDraft("second");
    session().undo();
    expect(session().draft).toBe("second");
  });
});

describe("loading an example", () => {
  const example = {
    prompt: "The king",
    interventions: [{ ...newIntervention(b), kind: "on" as const }],
  };

  it("replaces prompt and interventions together, and one undo brings both back", () => {
    session().setDraft("mine");
    session().change({ type: "add", ref: a });
    session().load(example);
    expect([session().draft, session().prompt, list()]).toEqual([
      "The king",
      "The king",
      [[3, 4, "on"]],
    ]);
    session().undo();
    expect([session().draft, session().prompt, list()]).toEqual(["mine", "mine", [[1, 2, "off"]]]);
  });

  it("loses nothing that was typed after it", () => {
    session().setDraft("mine");
    session().load(example);
    session().setDraft("The king and his");
    session().undo();
    expect(session().draft).toBe("mine");
    session().redo();
    expect(session().draft).toBe("The king and his");
  });
});

describe("tracing", () => {
  it("keeps the position for the same prompt and forgets it for another", () => {
    session().trace("The king");
    session().setPosition(0);
    session().trace("The king");
    expect(session().position).toBe(0);
    session().trace("The queen");
    expect(session().position).toBeNull();
  });
});

describe("keeping the session", () => {
  it("comes back as it was, with text that has not been traced", () => {
    const stop = keepSession();
    session().trace("The king");
    session().setDraft("The king;=\n<b>");
    session().change({ type: "add", ref: a });
    session().change({
      type: "update",
      ref: a,
      patch: { kind: "scale", value: -0.5, positions: [0, 2] },
    });
    session().select(b);
    session().setReading("difference");
    stop();
    const kept = readSession();
    expect(kept).toMatchObject({
      draft: "The king;=\n<b>",
      prompt: "The king",
      selection: b,
      reading: "difference",
    });
    expect(kept?.history?.present.interventions).toEqual(interventionsOf(session()));
  });

  it.each([
    ["no JSON", "{"],
    ["another type", "[1]"],
    ["no prompt", '{"draft": 3}'],
  ])("ignores what somebody else stored: %s", (_, text) => {
    localStorage.setItem("lmd.session", text);
    expect(readSession()).toBeNull();
  });

  it("leaves out interventions that cannot be", () => {
    const interventions = [
      { layer: -1, dim: 0, kind: "off" },
      { layer: 0, dim: 1.5, kind: "off" },
      { layer: 0, dim: 1, kind: "explode" },
      { layer: 0, dim: 1, kind: "set", value: "9", positions: ["x"] },
    ];
    localStorage.setItem("lmd.session", JSON.stringify({ draft: "", interventions }));
    expect(readSession()?.history?.present.interventions).toEqual([
      { ...newIntervention({ layer: 0, dim: 1 }), kind: "set", value: 1 },
    ]);
  });
});
