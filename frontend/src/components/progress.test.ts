import { describe, expect, it } from "vitest";
import type { Model, Progress } from "@/api/types";
import { model } from "@/test/server";
import { progressWords, shareDone, stateWords } from "./progress";

const at = (stage: Progress["stage"], done = 0, total: number | null = null): Progress => ({
  stage,
  done,
  total,
});
const loading = (progress: Progress | null): Model => ({ ...model("gpt2", "loading"), progress });

describe("how far a model is", () => {
  it("says bytes as megabytes and tensors as tensors", () => {
    expect(progressWords(at("downloading", 312_400_000, 1_520_013_706))).toBe(
      "Downloading, 312 of 1,520 MB",
    );
    expect(progressWords(at("downloading", 312_400_000))).toBe("Downloading, 312 MB so far");
    expect(progressWords(at("reading", 3, 10))).toBe("Reading weights, 3 of 10 tensors");
    expect(progressWords(at("reading"))).toBe("Reading weights");
    expect(progressWords(at("waiting"))).toContain("models before it");
    expect(progressWords(null)).toBe("Starting");
  });

  it("gives a share only where the whole is known", () => {
    expect(shareDone(at("downloading", 5, 20))).toBe(0.25);
    expect(shareDone(at("downloading", 25, 20))).toBe(1);
    expect(shareDone(at("starting"))).toBeNull();
    expect(shareDone(at("reading", 0, 0))).toBeNull();
    expect(shareDone(null)).toBeNull();
  });

  it("fits beside the model's name", () => {
    expect(stateWords(model("gpt2"))).toBe("ready");
    expect(stateWords(model("gpt2", "failed"))).toBe("failed");
    expect(stateWords(loading(at("reading", 3, 10)))).toBe("loading 30 %");
    expect(stateWords(loading(at("waiting")))).toBe("waiting");
    expect(stateWords(loading(at("starting")))).toBe("loading");
  });
});
