/** Generation, token by token: the unedited and, if there are interventions, the edited run. */

import { create } from "zustand";
import { streamGenerate } from "@/api/client";
import { ApiError, asApiError, fromBody } from "@/api/errors";
import type { GenerateEnd, InterventionIn, Step } from "@/api/types";
import { joinTokens } from "@/lib/tokens";

export interface GenerationRun {
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
}

interface GenerationState {
  question: Question | null;
  runs: Partial<Record<Side, GenerationRun>>;
  start(question: Question): Promise<void>;
  stop(): void;
  clear(): void;
}

const RUNNING: GenerationRun = {
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
    };
    const steps: Step[] = [];
    try {
      for await (const { event, data } of streamGenerate(body, owner.signal)) {
        const payload: unknown = JSON.parse(data);
        if (event === "step") {
          steps.push(payload as Step);
          update(owner, side, { steps: [...steps] });
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
    start: async (question) => {
      controller?.abort();
      const owner = new AbortController();
      controller = owner;
      const sides: Side[] =
        question.interventions.length > 0 ? ["unedited", "edited"] : ["unedited"];
      set({ question, runs: Object.fromEntries(sides.map((side) => [side, RUNNING])) });
      await Promise.all(sides.map((side) => run(owner, question, side)));
    },
    stop: () => controller?.abort(),
    clear: () => {
      get().stop();
      controller = null;
      set({ question: null, runs: {} });
    },
  };
});

export const isRunning = ({ runs }: GenerationState): boolean =>
  Object.values(runs).some((run) => run.state === "running");
