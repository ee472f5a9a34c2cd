import { beforeEach, describe, expect, it } from "vitest";
import type { GenerationRun, Question } from "@/state/generation";
import { useGeneration } from "@/state/generation";
import { useNotice } from "@/state/notice";
import { initialSession, useSession } from "@/state/session";
import { traceReply } from "@/test/server";
import { asCsv, asText } from "./save";
import { compareWithTrace, continueAfter, traceStep } from "./traceStep";

const question: Question = {
  model: "demo",
  prompt: "one two",
  interventions: [],
  newTokens: 2,
  sampling: { temperature: 0.7, top_p: 1, seed: 3 },
};
const token = (id: number, text: string) => ({ id, text, hex: null });
/** The replies of the test server give the words of a prompt the ids 0, 1, 2… */
const run: GenerationRun = {
  prompt: [token(0, "one"), token(1, " two")],
  steps: [
    {
      index: 0,
      token: token(2, ' "x",'),
      prob: 0.25,
      alternatives: [{ ...token(9, "\n"), prob: 0.5 }],
    },
    { index: 1, token: token(111, " afterwards"), prob: 0.25, alternatives: [] },
  ],
  state: "done",
  finish: "length",
  text: 'one two "x", afterwards',
  error: null,
};
const step = { side: "unedited", index: 1 } as const;
const reply = (change: object = {}) => ({ ...traceReply({ prompt: 'one two "x",' }), ...change });

beforeEach(() => {
  useSession.setState(initialSession, false);
  useGeneration.setState({ question, runs: { unedited: run }, traced: null });
});

describe("tracing a generated token", () => {
  it("makes the text before it the prompt, and undo gives the old one back", () => {
    useSession.getState().trace("one two");
    useSession.getState().setDraft("one two thr");
    traceStep(step);
    expect(useSession.getState()).toMatchObject({ prompt: 'one two "x",', position: null });
    expect(useGeneration.getState().traced).toEqual(step);
    useNotice.getState().notice?.action?.run();
    expect(useSession.getState().draft).toBe("one two thr");
  });

  it("goes back to the last position where the prompt is that text already", () => {
    useSession.getState().trace("one two");
    useSession.getState().setPosition(0);
    traceStep({ side: "unedited", index: 0 });
    expect(useSession.getState()).toMatchObject({ prompt: "one two", position: null });
    expect(useSession.getState().history.past).toEqual([]);
  });

  it("continues after it, with it", () => {
    continueAfter({ side: "unedited", index: 0 });
    expect(useSession.getState().prompt).toBe('one two "x",');
  });

  it("finds nothing to say where tokens and probability are the same", () => {
    expect(compareWithTrace(step, question, run, reply())).toBeNull();
  });

  it("says from where on the same text is other tokens", () => {
    const tokens = [token(0, "one"), token(8, " t"), token(1, "wo"), token(2, ' "x",')];
    const said = compareWithTrace(step, question, run, reply({ tokens }));
    expect(said).toContain("other tokens than were generated, from position 1 on");
    const longer = [token(0, "one"), token(1, " two"), token(2, ' "x'), token(2, '",')];
    expect(compareWithTrace(step, question, run, reply({ tokens: longer }))).toContain(
      "from position 3 on",
    );
  });

  it("says where the probability is another one", () => {
    const other = { ...run, steps: run.steps.map((each) => ({ ...each, prob: 0.11 })) };
    const said = compareWithTrace(step, question, other, reply());
    expect(said).toContain("probability .250 here and had .110");
  });

  it("does not judge by a reply to another prompt", () => {
    const elsewhere = traceReply({ prompt: "something else" });
    expect(compareWithTrace(step, question, run, elsewhere)).toBeNull();
  });
});

describe("what is saved", () => {
  it("is a row for each token, with what was likely there", () => {
    expect(asCsv({ unedited: run, edited: { ...run, steps: [] } }).split("\r\n")).toEqual([
      '"run","step","token id","token","bytes","probability","likeliest 1","probability 1"',
      '"unedited",0,2," ""x"",",,0.25,"\n",0.5',
      '"unedited",1,111," afterwards",,0.25,,',
      "",
    ]);
  });

  it("is each text with what it was made with", () => {
    const edited = { ...run, text: "one two three" };
    expect(asText(question, { unedited: run, edited })).toBe(
      '# unedited (demo, temperature 0.7, top-p 1, seed 3)\none two "x", afterwards\n\n' +
        "# edited (demo, temperature 0.7, top-p 1, seed 3)\none two three\n",
    );
  });
});
