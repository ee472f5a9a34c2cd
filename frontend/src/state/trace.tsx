/**
 * The trace on screen: asked for anew whenever prompt, position, model or interventions change.
 *
 * Latest wins: every question has its own query key, the request of an older one is aborted, and
 * only the newest one's reply is shown. Until it comes, the last reply stays, marked `outdated`.
 */

import { skipToken, useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { postTrace } from "@/api/client";
import { type ApiError, asApiError } from "@/api/errors";
import type { ReadyModel } from "@/api/queries";
import type { InterventionIn, TraceReply, TraceRequest } from "@/api/types";
import { useCoalesced } from "@/lib/hooks";
import { forWire } from "./interventions";
import { useReadyModel } from "./model";
import { interventionsOf, useSession } from "./session";

export const TOP_K = 10;
/** A dragged slider asks at most this often (milliseconds). */
const PACE = 60;

export interface TraceView {
  /** The newest reply for this model, perhaps to an older question. */
  reply: TraceReply | null;
  outdated: boolean;
  pending: boolean;
  error: ApiError | null;
  retry(): void;
}

/** The trace of one question, with the reply to the one before it until its own is there. */
export function useTraceQuery(request: TraceRequest | null): TraceView {
  const paced = useCoalesced(request, PACE);
  const query = useQuery({
    queryKey: ["trace", paced],
    queryFn: paced ? ({ signal }) => postTrace(paced, signal) : skipToken,
    gcTime: 60_000,
  });
  const [last, setLast] = useState<TraceReply | null>(null);
  useEffect(() => {
    if (query.data) setLast(query.data);
  }, [query.data]);
  const kept = last !== null && last.model === request?.model ? last : null;
  const reply = query.data ?? kept;
  const behind = paced !== request;
  return {
    reply: request === null ? null : reply,
    outdated: reply !== null && (behind || query.data === undefined),
    pending: request !== null && (behind || query.isFetching),
    error: query.error && !behind ? asApiError(query.error) : null,
    retry: () => void query.refetch(),
  };
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
