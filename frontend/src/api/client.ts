/** The only place that talks to the server. Every failure leaves as an `ApiError`. */

import createClient from "openapi-fetch";
import type { ValueRef } from "@/lib/values";
import { awaited, heard, isGatewayFailure, missed, type ServerVersion } from "./connection";
import { fromBody, fromNetwork, isAbort } from "./errors";
import type { paths } from "./schema";
import { readEvents, type ServerEvent } from "./sse";
import type {
  AttributeReply,
  AttributeRequest,
  ClusterReply,
  ClustersReply,
  CodeRequest,
  ConceptReply,
  Example,
  FollowReply,
  FollowRequest,
  GenerateRequest,
  GridReply,
  GridRequest,
  IndexReply,
  KeywordReply,
  Limits,
  ModelsReply,
  NeighboursReply,
  PlaceReply,
  SubUpdatesReply,
  SubUpdatesRequest,
  TokensReply,
  TraceReply,
  TraceRequest,
  ValueReply,
} from "./types";

/** The folder that the page was served from, so that it works behind any prefix. */
const base = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** Every request goes through here, so that the page knows whether there is a server. */
async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const settled = awaited();
  try {
    const response = await globalThis.fetch(input, init);
    if (isGatewayFailure(response)) missed();
    else heard();
    return response;
  } catch (cause) {
    if (!isAbort(cause)) missed();
    throw cause;
  } finally {
    settled();
  }
}

const client = createClient<paths>({ baseUrl: base, fetch: send });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer.catch((cause: unknown) => {
    throw fromNetwork(cause);
  });
  if (data === undefined || !response.ok) throw fromBody(response.status, error);
  return data;
}

export const getModels = (signal?: AbortSignal): Promise<ModelsReply> =>
  unwrap(client.GET("/api/v1/models", { signal: signal ?? null }));

export const getExamples = async (signal?: AbortSignal): Promise<Example[]> =>
  (await unwrap(client.GET("/api/v1/examples", { signal: signal ?? null }))).examples;

export const getLimits = async (signal?: AbortSignal): Promise<Limits> =>
  (await unwrap(client.GET("/api/v1/settings", { signal: signal ?? null }))).limits;

export const getVersion = (signal: AbortSignal): Promise<ServerVersion> =>
  unwrap(client.GET("/version", { signal }));

export const postTrace = (body: TraceRequest, signal?: AbortSignal): Promise<TraceReply> =>
  unwrap(client.POST("/api/v1/trace", { body, signal: signal ?? null }));

export const postGrid = (body: GridRequest, signal?: AbortSignal): Promise<GridReply> =>
  unwrap(client.POST("/api/v1/grid", { body, signal: signal ?? null }));

export const postFollow = (body: FollowRequest, signal?: AbortSignal): Promise<FollowReply> =>
  unwrap(client.POST("/api/v1/follow", { body, signal: signal ?? null }));

export const postAttribute = (
  body: AttributeRequest,
  signal?: AbortSignal,
): Promise<AttributeReply> =>
  unwrap(client.POST("/api/v1/attribute", { body, signal: signal ?? null }));

export const postSubUpdates = (
  body: SubUpdatesRequest,
  signal?: AbortSignal,
): Promise<SubUpdatesReply> =>
  unwrap(client.POST("/api/v1/sub_updates", { body, signal: signal ?? null }));

/** Entries of the vocabulary that a text may mean, the likeliest meant first. */
export const getTokens = (
  model: string,
  q: string,
  n: number,
  signal?: AbortSignal,
): Promise<TokensReply> =>
  unwrap(
    client.GET("/api/v1/tokens", { params: { query: { model, q, n } }, signal: signal ?? null }),
  );

export const postCode = async (body: CodeRequest, signal?: AbortSignal): Promise<string> =>
  (await unwrap(client.POST("/api/v1/code", { body, signal: signal ?? null }))).code;

export const getValue = (
  model: string,
  layer: number,
  dim: number,
  topK: number,
  signal?: AbortSignal,
): Promise<ValueReply> =>
  unwrap(
    client.GET("/api/v1/values/{layer}/{dim}", {
      params: { path: { layer, dim }, query: { model, top_k: topK } },
      signal: signal ?? null,
    }),
  );

export const getIndex = (model: string, signal?: AbortSignal): Promise<IndexReply> =>
  unwrap(client.GET("/api/v1/index", { params: { query: { model } }, signal: signal ?? null }));

export const changeIndex = (model: string, action: "start" | "cancel"): Promise<IndexReply> =>
  unwrap(client.POST("/api/v1/index", { body: { model, action } }));

export const searchKeywords = (
  model: string,
  q: string,
  n: number,
  signal?: AbortSignal,
): Promise<KeywordReply> =>
  unwrap(
    client.GET("/api/v1/search/keywords", {
      params: { query: { model, q, n } },
      signal: signal ?? null,
    }),
  );

export interface ConceptQuestion {
  q: string;
  n: number;
  normalised: boolean;
  first_layer: number;
  last_layer: number;
}

export const searchConcepts = (
  model: string,
  question: ConceptQuestion,
  signal?: AbortSignal,
): Promise<ConceptReply> =>
  unwrap(
    client.GET("/api/v1/search/concepts", {
      params: { query: { model, ...question } },
      signal: signal ?? null,
    }),
  );

export const getNeighbours = (
  model: string,
  { layer, dim }: ValueRef,
  opposite: boolean,
  n: number,
  signal?: AbortSignal,
): Promise<NeighboursReply> =>
  unwrap(
    client.GET("/api/v1/values/{layer}/{dim}/neighbours", {
      params: { path: { layer, dim }, query: { model, opposite, n } },
      signal: signal ?? null,
    }),
  );

export const getPlace = (
  model: string,
  { layer, dim }: ValueRef,
  signal?: AbortSignal,
): Promise<PlaceReply> =>
  unwrap(
    client.GET("/api/v1/values/{layer}/{dim}/place", {
      params: { path: { layer, dim }, query: { model } },
      signal: signal ?? null,
    }),
  );

export const getClusters = (model: string, signal?: AbortSignal): Promise<ClustersReply> =>
  unwrap(client.GET("/api/v1/clusters", { params: { query: { model } }, signal: signal ?? null }));

export const getCluster = (
  model: string,
  cluster: number,
  part: { seed: number; offset: number; n: number },
  signal?: AbortSignal,
): Promise<ClusterReply> =>
  unwrap(
    client.GET("/api/v1/clusters/{cluster}", {
      params: { path: { cluster }, query: { model, ...part } },
      signal: signal ?? null,
    }),
  );

/** The events of one generation, as they arrive. Aborting the signal stops the server's work too. */
export async function* streamGenerate(
  body: GenerateRequest,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  try {
    const response = await send(`${base}/api/v1/generate/stream`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(body),
      signal,
    });
    if (!response.ok || !response.body)
      throw fromBody(response.status, await response.json().catch(() => null));
    yield* readEvents(response.body);
  } catch (cause) {
    throw fromNetwork(cause);
  }
}
