/** Generation, token by token: the unedited and, if there are interventions, the edited run. */

import { create } from "zustand";
import { streamGenerate } from "@/api/client";
import { ApiError, asApiError, fromBody } from "@/api/errors";
import type {
  GenerateEnd,
  GenerateStart,
  InterventionIn,
  Sampling,
  Step,
  Token,
} from "@/api/types";
import { joinTokens } from "@/lib/characters";

export interface GenerationRun {
  /** The tokens of the prompt; null until the server has told them. */
  prompt: readonly Token[] | null;
  steps: readonly Step[];
  state: "running" | "done" | "stopped" | "failed";
  finish: GenerateEnd["finish_reason"] | null;
  /** Prompt and continuation, once the run has ended. */
  text: string | null;
  error: ApiError | null;
}

export type Side = "unedited" | "edited";

export interface Question {
  model: string;
  prompt: string;
  interventions: readonly InterventionIn[];
  newTokens: number;
  sampling: Required<Sampling>;
}

/** A step of one of the runs. */
export interface StepRef {
  side: Side;
  index: number;
}

interface GenerationState {
  question: Question | null;
  runs: Partial<Record<Side, GenerationRun>>;
  /** The step whose prediction was asked to be traced. */
  traced: StepRef | null;
  start(question: Question): Promise<void>;
  stop(): void;
  clear(): void;
  setTraced(step: StepRef): void;
}

const RUNNING: GenerationRun = {
  prompt: null,
  steps: [],
  state: "running",
  finish: null,
  text: null,
  error: null,
};

let controller: AbortController | null = null;

export const useGeneration = create<GenerationState>()((set, get) => {
  /** Replies of a generation that another one has replaced change nothing. */
  const update = (owner: AbortController, side: Side, patch: Partial<GenerationRun>) => {
    if (owner !== controller) return;
    set(({ runs }) => ({ runs: { ...runs, [side]: { ...(runs[side] ?? RUNNING), ...patch } } }));
  };

  const run = async (owner: AbortController, question: Question, side: Side) => {
    const body = {
      model: question.model,
      prompt: question.prompt,
      interventions: side === "edited" ? [...question.interventions] : [],
      max_new_tokens: question.newTokens,
      sampling: question.sampling,
    };
    const steps: Step[] = [];
    try {
      for await (const { event, data } of streamGenerate(body, owner.signal)) {
        const payload: unknown = JSON.parse(data);
        if (event === "step") {
          steps.push(payload as Step);
          update(owner, side, { steps: [...steps] });
        } else if (event === "start") {
          update(owner, side, { prompt: (payload as GenerateStart).tokens });
        } else if (event === "error") {
          throw fromBody(500, payload);
        } else if (event === "end") {
          const end = payload as GenerateEnd;
          update(owner, side, { state: "done", finish: end.finish_reason, text: end.text });
          return;
        }
      }
      throw new ApiError(0, "offline", "The reply broke off before its end.");
    } catch (error) {
      const text = question.prompt + joinTokens(steps.map((step) => step.token));
      if (owner.signal.aborted) update(owner, side, { state: "stopped", text });
      else update(owner, side, { state: "failed", text, error: asApiError(error) });
    }
  };

  return {
    question: null,
    runs: {},
    traced: null,
    start: async (question) => {
      controller?.abort();
      const owner = new AbortController();
      controller = owner;
      const sides: Side[] =
        question.interventions.length > 0 ? ["unedited", "edited"] : ["unedited"];
      set({
        question,
        traced: null,
        runs: Object.fromEntries(sides.map((side) => [side, RUNNING])),
      });
      await Promise.all(sides.map((side) => run(owner, question, side)));
    },
    stop: () => controller?.abort(),
    clear: () => {
      get().stop();
      controller = null;
      set({ question: null, traced: null, runs: {} });
    },
    setTraced: (traced) => set({ traced }),
  };
});

export const isRunning = ({ runs }: GenerationState): boolean =>
  Object.values(runs).some((run) => run.state === "running");

/**
 * The first step at which two runs part: another token, or the end of one of them. null while they
 * are the same as far as both have come, which may change while one still runs.
 */
export function firstDifference(a: GenerationRun, b: GenerationRun): number | null {
  const shorter = Math.min(a.steps.length, b.steps.length);
  for (let index = 0; index < shorter; index++)
    if (a.steps[index]?.token.id !== b.steps[index]?.token.id) return index;
  const over = a.state === "done" && b.state === "done";
  return over && a.steps.length !== b.steps.length ? shorter : null;
}

/** The text before a step, which a trace of that step's prediction is asked about. */
export const textBefore = (question: Question, run: GenerationRun, index: number): string =>
  question.prompt + joinTokens(run.steps.slice(0, index).map((step) => step.token));
