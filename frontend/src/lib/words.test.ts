import { describe, expect, it } from "vitest";
import { explainBefore, explainOn, explainReading, onWords, READINGS } from "./words";

const GPT2 = { gated: false, parallel: false, post_norm: false };
const KINDS = ["raw", "lens", "exact", "own_norm"] as const;

describe("words for the model at hand", () => {
  it("have one sentence for each reading, the same while no model is known", () => {
    const sentences = KINDS.map((reading) => explainReading(reading, GPT2));
    expect(new Set(sentences).size).toBe(4);
    expect(sentences).toEqual(KINDS.map((reading) => explainReading(reading, null)));
    expect(Object.keys(READINGS)).toEqual(KINDS);
    expect(sentences.join()).not.toMatch(/γ|parallel/);
  });

  it("say γ ⊙ v of value vectors behind a norm, and only of those", () => {
    const said = KINDS.filter((each) =>
      explainReading(each, { ...GPT2, post_norm: true }).includes("γ ⊙ v"),
    );
    expect(said).toEqual(["raw"]);
  });

  it("say what before is in a parallel block", () => {
    const parallel = { ...GPT2, parallel: true };
    expect(explainReading("lens", parallel)).toContain("after without the FFN’s part");
    expect(explainBefore(parallel)).toContain("without the FFN’s part");
    expect(explainBefore(GPT2)).not.toContain("without");
  });

  it("say by score of a gated FFN", () => {
    expect([onWords(GPT2), onWords({ ...GPT2, gated: true })]).toEqual(["on", "on, by score"]);
    expect(explainOn(GPT2)).toContain("activation");
    expect(explainOn({ ...GPT2, gated: true })).not.toContain("activation");
  });
});
