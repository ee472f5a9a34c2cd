/** The model that the page is about: the chosen one, or the server's default. */

import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { isReady, type ReadyModel, useModels } from "@/api/queries";
import type { Model, ModelsReply } from "@/api/types";
import { type ValueRef, valueKey } from "@/lib/values";
import { useNames } from "./names";
import { useSession } from "./session";

const Context = createContext<Model | null>(null);

/**
 * The one that the page was about before (the server may have been started anew), else the server's
 * default, or another where that one failed.
 */
function usual({ default: first, models }: ModelsReply, before: string | null): string {
  const usable = models.filter(({ state }) => state !== "failed").map(({ id }) => id);
  return [before, first, ...usable].find((id) => id !== null && usable.includes(id)) ?? first;
}

export function ModelProvider({ children }: { children: ReactNode }) {
  const chosen = useSession((state) => state.model);
  const { data } = useModels();
  const [settled, settle] = useState<string | null>(null);
  const id = chosen ?? (data ? usual(data, settled) : null);
  const model = data?.models.find((known) => known.id === id) ?? null;
  useEffect(() => {
    if (model?.state === "ready") settle(model.id);
  }, [model]);
  useEffect(() => {
    if (id !== null) useNames.getState().open(id);
  }, [id]);
  return <Context value={model}>{children}</Context>;
}

/** null while the list is not there yet, or when it lacks the chosen model. */
export const useModel = (): Model | null => useContext(Context);

export function useReadyModel(): ReadyModel | null {
  const model = useModel();
  return isReady(model) ? model : null;
}

/** A vector's name in the present model, or null where it has none. */
export function useValueName(ref: ValueRef): string | null {
  const id = useModel()?.id;
  return useNames((state) => (id ? (state.byModel[id]?.[valueKey(ref)] ?? null) : null));
}
