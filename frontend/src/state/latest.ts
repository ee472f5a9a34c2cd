/**
 * One question to the server that changes while it is being answered.
 *
 * Latest wins: every question has its own query key, the request of an older one is aborted, and
 * only the newest one's reply is shown. Until it comes, the last reply stays, marked `outdated`.
 *
 * Values on their way (a dragged slider) are the exception: aborting would let a drag pass without a
 * single reply. There one request is in flight, its reply is shown, and the latest value is next.
 */

import { skipToken, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { type ApiError, asApiError } from "@/api/errors";

/** A dragged slider asks at most this often (milliseconds). */
const PACE = 60;
/** Between a reply and the next question, so that the reply is painted. */
const BREATH = 16;

export interface LatestView<R> {
  /** The newest reply for this model, perhaps to an older question. */
  reply: R | null;
  outdated: boolean;
  pending: boolean;
  error: ApiError | null;
  retry(): void;
}

interface Question {
  model?: string | null;
}

/** Whether two questions differ in the values of their interventions and in nothing else. */
export function onlyValuesDiffer(a: Question | null, b: Question | null): boolean {
  const bare = (request: Question | null) =>
    JSON.stringify(request, (key, value) => (key === "value" ? undefined : value));
  return a !== null && b !== null && bare(a) === bare(b);
}

/**
 * Ask `wanted` in place of `asked`: at once, or `PACE` after the question before. While `waits`, a
 * reply is coming that is to be seen first.
 */
function useNextQuestion<Q extends Question>(
  wanted: Q | null,
  asked: Q | null,
  waits: boolean,
  ask: (request: Q | null) => void,
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

/**
 * The reply to one question, or to the one before it until its own is there.
 *
 * `name` tells kinds of questions apart. The same question must be the same object.
 */
export function useLatest<Q extends Question, R extends { model: string }>(
  name: string,
  request: Q | null,
  send: (request: Q, signal: AbortSignal) => Promise<R>,
): LatestView<R> {
  const [asked, ask] = useState(request);
  const query = useQuery({
    queryKey: [name, asked],
    queryFn: asked ? ({ signal }) => send(asked, signal) : skipToken,
    gcTime: 60_000,
  });
  useNextQuestion(request, asked, query.isFetching && query.failureCount === 0, ask);
  const [last, setLast] = useState<R | null>(null);
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
