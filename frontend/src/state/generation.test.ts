import { beforeEach, describe, expect, it } from "vitest";
import { type Call, failure, serve } from "@/test/server";
import {
  firstDifference,
  type GenerationRun,
  isRunning,
  textBefore,
  useGeneration,
} from "./generation";

const greedy = { temperature: 0, top_p: 1, seed: 0 };
const question = {
  model: "demo",
  prompt: "The",
  interventions: [],
  newTokens: 3,
  sampling: greedy,
};
const edit = { layer: 0, dim: 1, kind: "off" as const };
const generation = useGeneration.getState;

const step = (index: number, text: string, hex: string | null = null) => ({
  event: "step",
  data: { index, token: { id: index, text, hex }, prob: 0.5, alternatives: [] },
});
const end = (text: string) => ({ event: "end", data: { text, finish_reason: "length" } });

/** A stream that the test feeds. */
function stream(call: Call) {
  let feed: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      feed = controller;
      call.signal.addEventListener("abort", () =>
        controller.error(new DOMException("aborted", "AbortError")),
      );
    },
  });
  call.reply(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
  return {
    send: (...events: { event: string; data: unknown }[]) => {
      const text = events.map(
        ({ event, data }) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
      );
      feed?.enqueue(new TextEncoder().encode(text.join("")));
    },
    close: () => feed?.close(),
  };
}

const texts = (side: "unedited" | "edited") =>
  generation().runs[side]?.steps.map(({ token }) => token.text);
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => generation().clear());

describe("generation", () => {
  it("shows tokens as they come and the text at the end", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const done = generation().start(question);
    const { send } = stream(calls[0] as Call);
    send(step(0, " king"));
    await settle();
    expect(texts("unedited")).toEqual([" king"]);
    expect(isRunning(generation())).toBe(true);
    send(step(1, " and"), end("The king and"));
    await done;
    expect(generation().runs.unedited).toMatchObject({ state: "done", text: "The king and" });
    expect(generation().runs.edited).toBeUndefined();
  });

  it("asks for both runs when there are interventions", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const done = generation().start({ ...question, interventions: [edit] });
    expect(calls.map((call) => call.body.interventions)).toEqual([[], [edit]]);
    for (const [index, call] of calls.entries())
      stream(call).send(step(0, ` ${index}`), end(`The ${index}`));
    await done;
    expect([texts("unedited"), texts("edited")]).toEqual([[" 0"], [" 1"]]);
  });

  it("asks for the same sampling in both runs", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const sampling = { temperature: 0.7, top_p: 0.9, seed: 41 };
    const done = generation().start({ ...question, interventions: [edit], sampling });
    expect(calls.map((call) => call.body.sampling)).toEqual([sampling, sampling]);
    for (const call of calls) stream(call).send(end("The"));
    await done;
  });

  it("keeps the tokens of the prompt", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const done = generation().start(question);
    const tokens = [{ id: 7, text: "The", hex: null }];
    stream(calls[0] as Call).send({ event: "start", data: { model: "demo", tokens } }, end("The"));
    await done;
    expect(generation().runs.unedited?.prompt).toEqual(tokens);
  });

  it("stops on request, keeping what there is, whole characters included", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const done = generation().start(question);
    stream(calls[0] as Call).send(step(0, "\ufffd", "c3"), step(1, "\ufffd", "a9"));
    await settle();
    generation().stop();
    await done;
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(generation().runs.unedited).toMatchObject({
      state: "stopped",
      text: "Theé",
      error: null,
    });
  });

  it("says what went wrong on the way", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const done = generation().start(question);
    const { send } = stream(calls[0] as Call);
    send(step(0, " a"), { event: "error", data: failure("non_finite_result", "Too large.") });
    await done;
    expect(generation().runs.unedited).toMatchObject({
      state: "failed",
      error: { code: "non_finite_result" },
    });
    expect(texts("unedited")).toEqual([" a"]);
  });

  it("says what was refused before it began", async () => {
    serve({
      "/api/v1/generate/stream": (call) => call.reply(failure("empty_prompt", "Empty."), 422),
    });
    await generation().start(question);
    expect(generation().runs.unedited?.error).toMatchObject({ code: "empty_prompt", status: 422 });
  });

  it("notices a reply that breaks off", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const done = generation().start(question);
    const { send, close } = stream(calls[0] as Call);
    send(step(0, " a"));
    close();
    await done;
    expect(generation().runs.unedited).toMatchObject({
      state: "failed",
      error: { code: "offline" },
    });
  });

  it("is replaced by the next one, which the first can no longer change", async () => {
    const calls = serve({ "/api/v1/generate/stream": () => undefined });
    const first = generation().start(question);
    stream(calls[0] as Call).send(step(0, " old"));
    await settle();
    const second = generation().start({ ...question, prompt: "A" });
    await first;
    expect(generation().runs.unedited).toMatchObject({ state: "running", steps: [] });
    stream(calls[1] as Call).send(step(0, " new"), end("A new"));
    await second;
    expect(texts("unedited")).toEqual([" new"]);
    expect(generation().runs.unedited?.state).toBe("done");
  });
});

describe("two runs", () => {
  const run = (ids: number[], state: GenerationRun["state"] = "done"): GenerationRun => ({
    prompt: [],
    steps: ids.map((id, index) => ({
      index,
      token: { id, text: ` ${id}`, hex: null },
      prob: 0.5,
      alternatives: [],
    })),
    state,
    finish: null,
    text: null,
    error: null,
  });

  it.each([
    ["part at the first other token", run([1, 2, 3]), run([1, 5, 3]), 1],
    ["are the same", run([1, 2]), run([1, 2]), null],
    ["part where one ends", run([1, 2]), run([1, 2, 3]), 2],
    ["may still be the same while one runs", run([1, 2]), run([1], "running"), null],
    ["part although one still runs", run([1, 2]), run([4], "running"), 0],
    ["cannot be compared beyond where one was stopped", run([1, 2]), run([1], "stopped"), null],
  ])("%s", (_, a, b, index) => {
    expect(firstDifference(a, b)).toBe(index);
    expect(firstDifference(b, a)).toBe(index);
  });

  it("have a text before each step", () => {
    expect(textBefore(question, run([1, 2, 3]), 0)).toBe("The");
    expect(textBefore(question, run([1, 2, 3]), 2)).toBe("The 1 2");
  });
});
