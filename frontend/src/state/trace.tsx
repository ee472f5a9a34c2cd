/** The trace on screen: asked for anew whenever prompt, position, model or interventions change. */

import { createContext, type ReactNode, useContext, useMemo } from "react";
import { postTrace } from "@/api/client";
import type { InterventionIn, TraceReply, TraceRequest } from "@/api/types";
import { forWire } from "./codec";
import { type LatestView, useLatest } from "./latest";
import { useReadyModel } from "./model";
import { editsOf, useSession } from "./session";

export const TOP_K = 10;

export type TraceView = LatestView<TraceReply>;

/** The trace of one question, with the reply to the one before it until its own is there. */
export const useTraceQuery = (request: TraceRequest | null): TraceView =>
  useLatest("trace", request, postTrace);

/** What every question about the present prompt says. */
export interface AboutPrompt {
  model: string;
  prompt: string;
  interventions: InterventionIn[];
}

/** The same object until something in it changes; null while there is nothing to ask. */
export function useAboutPrompt(): AboutPrompt | null {
  const model = useReadyModel();
  const prompt = useSession((state) => state.prompt);
  const changes = useSession(editsOf);
  const edits = model ? JSON.stringify(forWire(changes, model)) : "[]";
  const id = model?.id ?? null;
  return useMemo(() => {
    if (id === null || prompt === null) return null;
    return { model: id, prompt, interventions: JSON.parse(edits) as InterventionIn[] };
  }, [id, prompt, edits]);
}

function useTraceRequest(): TraceRequest | null {
  const about = useAboutPrompt();
  const position = useSession((state) => state.position);
  return useMemo(
    () => about && { ...about, positions: position === null ? "last" : [position], top_k: TOP_K },
    [about, position],
  );
}

const Context = createContext<TraceView | null>(null);

export function TraceProvider({ children }: { children: ReactNode }) {
  const view = useTraceQuery(useTraceRequest());
  return <Context value={view}>{children}</Context>;
}

export function useTrace(): TraceView {
  const view = useContext(Context);
  if (!view) throw new Error("useTrace needs a TraceProvider above it");
  return view;
}
