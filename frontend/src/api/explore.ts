/** What Explore asks the server for, as cached queries. */

import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import type { ValueRef } from "@/lib/values";
import {
  type ConceptQuestion,
  changeIndex,
  getCluster,
  getClusters,
  getIndex,
  getNeighbours,
  getPlace,
  searchConcepts,
  searchKeywords,
} from "./client";
import type { IndexReply } from "./types";

const POLL = 700;
export const FIRST_MEMBERS = 10;
const MORE_MEMBERS = 50;

export const isBuilding = (index: IndexReply | undefined): boolean =>
  index?.state === "waiting" || index?.state === "building";

/** Are there clusters to be shown? There are none until they are found, or at all (0). */
export const hasClusters = (
  index: IndexReply | undefined,
): index is IndexReply & { n_clusters: number } => (index?.n_clusters ?? 0) > 0;

/** How far the index is; while it is being built, asked for again and again. */
export const useIndex = (model: string) =>
  useQuery({
    queryKey: ["index", model],
    queryFn: ({ signal }) => getIndex(model, signal),
    staleTime: 0,
    refetchInterval: ({ state }) => (isBuilding(state.data) ? POLL : false),
  });

export function useChangeIndex(model: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: "start" | "cancel") => changeIndex(model, action),
    onSuccess: (reply) => {
      client.setQueryData(["index", model], reply);
      // Cancelling takes effect at the end of a step.
      setTimeout(() => void client.invalidateQueries({ queryKey: ["index", model] }), POLL);
    },
  });
}

/** Asked anew whenever another layer is ready; the results so far stay until then. */
export const useKeywords = (model: string, q: string, n: number, layersReady: number) =>
  useQuery({
    queryKey: ["keywords", model, q, n, layersReady],
    queryFn: ({ signal }) => searchKeywords(model, q, n, signal),
    enabled: q !== "" && layersReady > 0,
    placeholderData: keepPreviousData,
  });

export const useConcepts = (model: string, question: ConceptQuestion) =>
  useQuery({
    queryKey: ["concepts", model, question],
    queryFn: ({ signal }) => searchConcepts(model, question, signal),
    enabled: question.q !== "",
    placeholderData: keepPreviousData,
  });

export const useNeighbours = (model: string, ref: ValueRef, opposite: boolean, n: number) =>
  useQuery({
    queryKey: ["neighbours", model, ref.layer, ref.dim, opposite, n],
    queryFn: ({ signal }) => getNeighbours(model, ref, opposite, n, signal),
    placeholderData: keepPreviousData,
  });

export const usePlace = (model: string, ref: ValueRef | null, clusters: number | null) =>
  useQuery({
    queryKey: ["place", model, ref?.layer, ref?.dim, clusters],
    queryFn: ({ signal }) => getPlace(model, ref ?? { layer: 0, dim: 0 }, signal),
    enabled: ref !== null,
  });

export const useClusters = (model: string, ready: boolean) =>
  useQuery({
    queryKey: ["clusters", model],
    queryFn: ({ signal }) => getClusters(model, signal),
    enabled: ready,
  });

/** A cluster and its first members; more of them page by page. */
export const useCluster = (model: string, cluster: number, seed: number) =>
  useInfiniteQuery({
    queryKey: ["cluster", model, cluster, seed],
    queryFn: ({ pageParam: offset, signal }) =>
      getCluster(
        model,
        cluster,
        { seed, offset, n: offset === 0 ? FIRST_MEMBERS : MORE_MEMBERS },
        signal,
      ),
    initialPageParam: 0,
    getNextPageParam: (last) => {
      const next = last.offset + last.members.length;
      return next < last.size && last.members.length > 0 ? next : null;
    },
    placeholderData: keepPreviousData,
  });
