/** What the page asks the server for, as cached queries. */

import { keepPreviousData, QueryClient, useQuery } from "@tanstack/react-query";
import type { Shape, ValueRef } from "@/lib/values";
import { getExamples, getLimits, getModels, getValue } from "./client";
import { ApiError } from "./errors";
import type { Limits, Model } from "./types";

const MAX_TRIES = 40;
const RECONNECT_TRIES = 3;

/** Only what may succeed later is tried again: a busy or loading server, a lost connection. */
export function shouldRetry(tries: number, error: Error): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.retryAfter !== null) return tries < MAX_TRIES;
  return error.code === "offline" && tries < RECONNECT_TRIES;
}

export function retryDelay(tries: number, error: Error): number {
  const asked = error instanceof ApiError ? error.retryAfter : null;
  return asked !== null ? asked * 1000 : Math.min(400 * 2 ** tries, 3_000);
}

export const createQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        retry: shouldRetry,
        retryDelay,
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 10 * 60_000,
        refetchOnWindowFocus: false,
        networkMode: "always",
      },
    },
  });

const POLL = 1_000;

/** The served models; asked for every second while one is loading. */
export const useModels = () =>
  useQuery({
    queryKey: ["models"],
    queryFn: ({ signal }) => getModels(signal),
    refetchInterval: ({ state }) =>
      state.data?.models.some((model) => model.state === "loading") ? POLL : false,
  });

export interface ReadyModel extends Model, Shape {
  n_layers: number;
  ffn_width: number;
}

export const isReady = (model: Model | null): model is ReadyModel =>
  model?.state === "ready" && model.n_layers !== null && model.ffn_width !== null;

/** Whether a model can answer a kind of question; one that says nothing of it answers all. */
export const can = (model: Model | null, capability: string | undefined): boolean =>
  capability === undefined || (model?.capabilities?.includes(capability) ?? true);

export const useExamples = () =>
  useQuery({ queryKey: ["examples"], queryFn: ({ signal }) => getExamples(signal) });

/** Only the server knows its limits; until it has told them, it is the one to refuse. */
const UNKNOWN_LIMITS: Limits = {
  max_interventions: Number.POSITIVE_INFINITY,
  max_top_k: Number.POSITIVE_INFINITY,
  max_new_tokens: Number.POSITIVE_INFINITY,
  max_positions: Number.POSITIVE_INFINITY,
  max_prompt_chars: Number.POSITIVE_INFINITY,
  max_reply_mb: null,
};

export const useLimits = (): Limits =>
  useQuery({ queryKey: ["limits"], queryFn: ({ signal }) => getLimits(signal) }).data ??
  UNKNOWN_LIMITS;

export const valueQuery = (model: string, ref: ValueRef, topK: number) => ({
  queryKey: ["value", model, ref.layer, ref.dim, topK] as const,
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    getValue(model, ref.layer, ref.dim, topK, signal),
});

export const DETAILS_TOP_K = 50;

/** Promoted and suppressed tokens of a vector; the ones shown before stay until they are there. */
export const useValue = (model: string | null, ref: ValueRef | null, topK = DETAILS_TOP_K) =>
  useQuery({
    ...valueQuery(model ?? "", ref ?? { layer: 0, dim: 0 }, topK),
    enabled: model !== null && ref !== null,
    placeholderData: keepPreviousData,
  });
