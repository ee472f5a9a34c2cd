/**
 * The trace on screen: asked for anew whenever prompt, position, model or interventions change.
 *
 * Latest wins: every question has its own query key, the request of an older one is aborted, and
 * only the newest one's reply is shown. Until it comes, the last reply stays, marked `outdated`.
 *
 * Values on their way (a dragged slider) are the exception: aborting would let a drag pass without a
 * single reply. There one request is in flight, its reply is shown, and the latest value is next.
 */

import { skipToken, useQuery } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { postTrace } from "@/api/client";
import { type ApiError, asApiError } from "@/api/errors";
import type { ReadyModel } from "@/api/queries";
import type { InterventionIn, TraceReply, TraceRequest } from "@/api/types";
import { forWire } from "./interventions";
import { useReadyModel } from "./model";
import { interventionsOf, useSession } from "./session";

export const TOP_K = 10;
/** A dragged slider asks at most this often (milliseconds). */
const PACE = 60;
/** Between a reply and the next question, so that the reply is painted. */
const BREATH = 16;

export interface TraceView {
  /** The newest reply for this model, perhaps to an older question. */
  reply: TraceReply | null;
  outdated: boolean;
  pending: boolean;
  error: ApiError | null;
  retry(): void;
}

/** Whether two questions differ in the values of their interventions and in nothing else. */
export function onlyValuesDiffer(a: TraceRequest | null, b: TraceRequest | null): boolean {
  const bare = (request: TraceRequest | null) =>
    JSON.stringify(request, (key, value) => (key === "value" ? undefined : value));
  return a !== null && b !== null && bare(a) === bare(b);
}

/**
 * Ask `wanted` in place of `asked`: at once, or `PACE` after the question before. While `waits`, a
 * reply is coming that is to be seen first.
 */
function useNextQuestion(
  wanted: TraceRequest | null,
  asked: TraceRequest | null,
  waits: boolean,
  ask: (request: TraceRequest | null) => void,
): void {
  const passed = useRef(Number.NEGATIVE_INFINITY);
  const settled = useRef(Number.NEGATIVE_INFINITY);
  const follows = onlyValuesDiffer(wanted, asked);
  useEffect(() => {
    if (!waits) settled.current = performance.now();
  }, [waits]);
  useEffect(() => {
    if (wanted === asked || (waits && follows)) return;
    const pass = () => {
      passed.current = performance.now();
      ask(wanted);
    };
    const from = Math.max(passed.current + PACE, follows ? settled.current + BREATH : 0);
    const wait = from - performance.now();
    if (wait <= 0) {
      pass();
      return;
    }
    const timer = setTimeout(pass, wait);
    return () => clearTimeout(timer);
  }, [wanted, asked, waits, follows, ask]);
}

/** The trace of one question, with the reply to the one before it until its own is there. */
export function useTraceQuery(request: TraceRequest | null): TraceView {
  const [asked, ask] = useState(request);
  const query = useQuery({
    queryKey: ["trace", asked],
    queryFn: asked ? ({ signal }) => postTrace(asked, signal) : skipToken,
    gcTime: 60_000,
  });
  useNextQuestion(request, asked, query.isFetching && query.failureCount === 0, ask);
  const [last, setLast] = useState<TraceReply | null>(null);
  useEffect(() => {
    if (query.data) setLast(query.data);
  }, [query.data]);
  const kept = last !== null && last.model === request?.model ? last : null;
  const behind = asked !== request;
  const follows = behind && onlyValuesDiffer(asked, request);
  const reply = request === null ? null : (query.data ?? kept);
  const outdated = reply !== null && ((behind && !follows) || query.data === undefined);
  const pending = request !== null && (behind || query.isFetching);
  const failure = query.error && !behind ? query.error : null;
  const { refetch } = query;
  // The same view while nothing that is shown has changed: a dragged slider comes by many times.
  return useMemo(
    () => ({
      reply,
      outdated,
      pending,
      error: failure && asApiError(failure),
      retry: () => void refetch(),
    }),
    [reply, outdated, pending, failure, refetch],
  );
}

function useTraceRequest(model: ReadyModel | null): TraceRequest | null {
  const prompt = useSession((state) => state.prompt);
  const position = useSession((state) => state.position);
  const interventions = useSession(interventionsOf);
  const edits = model ? JSON.stringify(forWire(interventions, model)) : "[]";
  const id = model?.id ?? null;
  return useMemo(() => {
    if (id === null || prompt === null) return null;
    return {
      model: id,
      prompt,
      interventions: JSON.parse(edits) as InterventionIn[],
      positions: position === null ? "last" : [position],
      top_k: TOP_K,
    };
  }, [id, prompt, position, edits]);
}

const Context = createContext<TraceView | null>(null);

export function TraceProvider({ children }: { children: ReactNode }) {
  const view = useTraceQuery(useTraceRequest(useReadyModel()));
  return <Context value={view}>{children}</Context>;
}

export function useTrace(): TraceView {
  const view = useContext(Context);
  if (!view) throw new Error("useTrace needs a TraceProvider above it");
  return view;
}
