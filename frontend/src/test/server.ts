/** A server for tests whose replies come when the test lets them, in the order that it wants. */

import { vi } from "vitest";
import type {
  Layer,
  Model,
  State,
  StateComparison,
  TraceReply,
  TraceRequest,
  ValueReply,
} from "@/api/types";

export interface Call {
  method: string;
  path: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the page sent
  body: any;
  signal: AbortSignal;
  reply(body: unknown, status?: number): void;
  fail(): void;
}

type Handler = (call: Call) => void;

/** Replaces fetch; the handler of a path gets each call and replies at once, later or never. */
export function serve(handlers: Record<string, Handler>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = input instanceof Request ? input : null;
    const url = new URL(request?.url ?? String(input));
    const text = request ? await request.text() : String(init?.body ?? "");
    const signal = request?.signal ?? init?.signal ?? new AbortController().signal;
    return new Promise<Response>((resolve, reject) => {
      const call: Call = {
        method: request?.method ?? init?.method ?? "GET",
        path: url.pathname,
        body: text ? JSON.parse(text) : null,
        signal,
        reply: (body, status = 200) =>
          resolve(
            body instanceof Response
              ? body
              : new Response(JSON.stringify(body), {
                  status,
                  headers: { "Content-Type": "application/json" },
                }),
          ),
        fail: () => reject(new TypeError("network")),
      };
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      calls.push(call);
      const handler = Object.entries(handlers).find(([path]) => url.pathname.startsWith(path))?.[1];
      if (handler) handler(call);
      else call.reply(failure("not_found", `No route ${url.pathname}.`), 404);
    });
  });
  return calls;
}

export const failure = (code: string, message: string, details: object = {}) => ({
  error: { code, message, details, request_id: "r-1" },
});

const EVERYTHING = [
  "trace",
  "grid",
  "follow",
  "sub_updates",
  "attribute",
  "values",
  "explore",
  "generate",
  "bake",
  "bake_adds",
];

export const model = (id: string, state: Model["state"] = "ready"): Model => ({
  id,
  state,
  progress: state === "loading" ? { stage: "starting", done: 0, total: null } : null,
  error: state === "failed" ? "The folder holds no weights." : null,
  architecture: "gpt2",
  n_layers: state === "ready" ? 2 : null,
  ffn_width: state === "ready" ? 16 : null,
  d_model: 4,
  n_heads: 1,
  vocab_size: 50,
  n_positions: 32,
  n_parameters: 1000,
  tied_unembedding: true,
  activation: "gelu_new",
  activation_at_zero: 0,
  dtype: "float32",
  device: "cpu",
  eos_token: null,
  gated: false,
  parallel: false,
  post_norm: false,
  capabilities: EVERYTHING,
  self_check: { error: 2e-6, equalities: [], seconds: 0.1 },
});

const state = (words: string[]): State => ({
  entropy: 1,
  top: words.map((text, rank) => ({
    id: 100 + text.length,
    text,
    hex: null,
    prob: 0.5 / 2 ** rank,
  })),
});

const layers = (word: string): Layer[] =>
  [0, 1].map((layer) => ({
    layer,
    before: state([" x", " before"]),
    sub_updates: [
      { layer, dim: 3, node: `L${layer}D3`, coefficient: 1.5, score: 3 },
      { layer, dim: 5, node: `L${layer}D5`, coefficient: -0.5, score: 1 },
    ],
    after: state([word, " afterwards"]),
    share: 0.5,
  }));

/** Whatever a state does not list has this probability. */
const UNLISTED = 0.001;

/** Both states' tokens with their probabilities in both, the likeliest of the edited one first. */
function compare(unedited: State, edited: State): StateComparison {
  const all = new Map([...unedited.top, ...edited.top].map((token) => [token.id, token]));
  const probIn = (run: State, id: number) =>
    run.top.find((token) => token.id === id)?.prob ?? UNLISTED;
  const tokens = [...all.values()].map(({ id, text, hex }) => {
    return { id, text, hex, unedited: probIn(unedited, id), edited: probIn(edited, id) };
  });
  tokens.sort((a, b) => b.edited - a.edited || a.id - b.id);
  const kl = tokens.reduce(
    (sum, each) => sum + each.edited * Math.log(each.edited / each.unedited),
    0,
  );
  return { kl, tokens };
}

/** A reply whose top token tells which request it answers. */
export function traceReply(request: TraceRequest): TraceReply {
  const words = request.prompt.split(" ");
  const edits = (request.interventions ?? []).map((edit) => ({
    ...edit,
    layer: edit.layer ?? 0, // the page gives both
    dim: edit.dim ?? 0,
  }));
  const position = Array.isArray(request.positions)
    ? (request.positions[0] ?? 0)
    : words.length - 1;
  const unedited = layers(` after-${request.prompt}`);
  const edited =
    edits.length > 0 ? layers(` ${edits.map((edit) => edit.kind + edit.dim).join("+")}`) : null;
  return {
    model: request.model ?? "demo",
    prompt: request.prompt,
    reading: "lens",
    tokens: words.map((text, id) => ({ id, text, hex: null })),
    positions: [position],
    unedited: { positions: [{ position, layers: unedited }] },
    edited: edited && { positions: [{ position, layers: edited }] },
    comparison: edited && [
      {
        position,
        layers: edited.map((layer, index) => ({
          layer: layer.layer,
          before: compare((unedited[index] ?? layer).before, layer.before),
          after: compare((unedited[index] ?? layer).after, layer.after),
        })),
      },
    ],
    interventions: edits.map(({ layer, dim, kind, value }) => ({
      layer,
      dim,
      node: `L${layer}D${dim}`,
      kind,
      value: value ?? null,
      positions: "all",
      generated: true,
      unedited_coefficient: 1.5,
      edited_coefficient: 0,
      pre_activation: 0,
    })),
  };
}

export const valueReply = (layer: number, dim: number): ValueReply => ({
  model: "demo",
  layer,
  dim,
  node: `L${layer}D${dim}`,
  reading: "raw",
  norm: 2,
  promoted: [{ id: 1, text: " music", hex: null, piece: "Ġmusic", logit: 1.25 }],
  suppressed: [{ id: 2, text: "<i>tax</i>", hex: null, piece: "<i>tax</i>", logit: -0.75 }],
});
