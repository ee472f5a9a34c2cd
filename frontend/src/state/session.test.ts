import { beforeEach, describe, expect, it } from "vitest";
import { commit, redo, startHistory, undo } from "./history";
import { newIntervention } from "./interventions";
import { usePrefs } from "./prefs";
import { editsOf, initialSession, interventionsOf, useSession } from "./session";
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

describe("undo and redo of groups", () => {
  const box = () => editsOf(session()).groups;
  const create = () =>
    session().change({
      type: "insertGroup",
      group: { name: "music", enabled: true, strength: 1, folded: false },
      cards: interventionsOf(session()),
    });

  it("take back every kind of step", () => {
    session().change({ type: "add", ref: a });
    session().change({ type: "add", ref: b });
    const states = [editsOf(session())];
    const step = (change: Parameters<ReturnType<typeof session>["change"]>[0]) => {
      session().change(change);
      states.push(editsOf(session()));
    };
    create();
    states.push(editsOf(session()));
    step({ type: "updateGroup", id: 1, patch: { name: "songs" } });
    step({ type: "updateGroup", id: 1, patch: { enabled: false } });
    step({ type: "updateGroup", id: 1, patch: { strength: 0.5 } });
    step({ type: "move", ref: a, group: null, index: 0 });
    step({ type: "move", ref: a, group: 1, index: 1 });
    step({ type: "removeGroup", id: 1, cards: "stay" });
    step({ type: "replace", list: [] });
    const plain = states.map(({ interventions, groups }) => ({ interventions, groups }));
    for (const state of plain.toReversed()) {
      expect(editsOf(session())).toMatchObject(state);
      session().undo();
    }
    session().redo();
    for (const state of plain) {
      expect(editsOf(session())).toMatchObject(state);
      session().redo();
    }
  });

  it("make one step of a dragged strength", () => {
    create();
    for (const strength of [0.9, 0.8, 0.7])
      session().change({ type: "updateGroup", id: 1, patch: { strength } }, "value 7");
    session().undo();
    expect(box()).toMatchObject([{ strength: 1 }]);
    session().redo();
    expect(box()).toMatchObject([{ strength: 0.7 }]);
  });

  it("do not fold or unfold", () => {
    create();
    session().change({ type: "updateGroup", id: 1, patch: { strength: 2 } });
    const steps = session().history.past.length;
    session().fold(1, true);
    expect(session().history.past).toHaveLength(steps);
    session().undo();
    expect(box()).toMatchObject([{ strength: 1, folded: true }]);
    session().fold(1, false);
    session().redo();
    expect(box()).toMatchObject([{ strength: 2, folded: false }]);
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

describe("loading a run", () => {
  const run = {
    model: "gpt2",
    prompt: "The king",
    interventions: [{ ...newIntervention(b), group: 4 }],
    groups: [{ id: 4, name: "music", enabled: false, strength: 2, folded: true }],
    position: 1,
    selection: b,
    reading: "difference" as const,
    panel: "why" as const,
    tokens: [1, 2],
    generate: { newTokens: 3, sampling: { sample: true, temperature: 2, topP: 0.5, seed: 7 } },
  };
  const here = () => {
    const { model, draft, prompt, position, selection, reading, panel, tokens } = session();
    const { newTokens, sampling } = usePrefs.getState();
    const { interventions, groups } = editsOf(session());
    return {
      ...{ model, draft, prompt, position, selection, reading, panel, tokens, interventions },
      ...{ groups, newTokens, sampling },
    };
  };

  it("puts everything in its place, and undo puts everything back, and redo again", () => {
    session().trace("My wife");
    session().setPosition(0);
    session().change({ type: "add", ref: a });
    session().select(a);
    session().setPanel("grid");
    session().setTokens([9]);
    usePrefs.getState().set({ newTokens: 42 });
    const before = here();
    session().load(run);
    const { generate, ...place } = run;
    const after = here();
    expect(after).toEqual({ ...place, ...generate, draft: "The king" });
    session().undo();
    expect(here()).toEqual(before);
    session().redo();
    expect(here()).toEqual(after);
  });

  it("brings back what was typed, and traces it", () => {
    session().trace("My wife");
    session().setPosition(0);
    session().setDraft("My wife is");
    session().load(run);
    session().undo();
    expect(here()).toMatchObject({ draft: "My wife is", prompt: "My wife is", position: null });
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
    session().change({
      type: "insertGroup",
      group: { name: "a;=\n<b>", enabled: false, strength: -0.5, folded: true },
      cards: interventionsOf(session()),
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
    expect(kept?.history?.present.groups).toEqual([
      { id: 1, name: "a;= <b>", enabled: false, strength: -0.5, folded: true },
    ]);
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
      { layer: 0, dim: 1, kind: "set", value: "9" },
      { layer: 0, dim: 1, kind: "set", value: 9, positions: ["x"] },
      { layer: 0, dim: 1, kind: "set", value: 9, group: 5 },
    ];
    localStorage.setItem("lmd.session", JSON.stringify({ draft: "", interventions }));
    expect(readSession()?.history?.present.interventions).toEqual([
      { ...newIntervention({ layer: 0, dim: 1 }), kind: "set", value: 9 },
    ]);
  });
});

describe("models", () => {
  it("each keep their own interventions, and the prompt stays", () => {
    session().setDraft("typed");
    session().change({ type: "add", ref: a });
    session().setModel("large", "medium");
    expect([session().model, session().draft, list()]).toEqual(["large", "typed", []]);
    session().change({ type: "add", ref: b });
    session().setModel("medium", null);
    expect(list()).toEqual([[1, 2, "off"]]);
    session().setModel("large", null);
    expect(list()).toEqual([[3, 4, "off"]]);
  });

  it("come back by undo, with what was changed since", () => {
    session().change({ type: "add", ref: a });
    session().setModel("large", "medium");
    session().change({ type: "add", ref: b });
    session().undo();
    session().undo();
    expect([session().model, list()]).toEqual(["medium", [[1, 2, "off"]]]);
    session().redo();
    session().redo();
    expect([session().model, list()]).toEqual(["large", [[3, 4, "off"]]]);
  });

  it("are left alone by choosing the present one", () => {
    session().change({ type: "add", ref: a });
    const { history } = session();
    session().setModel("medium", "medium");
    expect([session().model, session().history]).toEqual(["medium", history]);
  });

  it("keep them over a reload", () => {
    const stop = keepSession();
    session().change({ type: "add", ref: a });
    session().setModel("large", "medium");
    stop();
    useSession.setState({ ...initialSession, ...readSession() });
    expect(list()).toEqual([]);
    session().setModel("medium", null);
    expect(list()).toEqual([[1, 2, "off"]]);
  });
});
