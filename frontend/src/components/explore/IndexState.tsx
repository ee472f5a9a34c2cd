/** How far the index is, what that means for the page, and the way to stop it or go on. */

import { Play, RotateCw, Square, TriangleAlert } from "lucide-react";
import type { CSSProperties } from "react";
import { asApiError } from "@/api/errors";
import { hasClusters, isBuilding, useChangeIndex, useIndex } from "@/api/explore";
import type { IndexReply } from "@/api/types";
import { Button } from "@/components/Button";
import { Failure } from "@/components/Failure";
import failure from "@/components/Failure.module.css";
import { formatCount, formatDuration } from "@/lib/numbers";
import styles from "./IndexState.module.css";

/** How much of the step at hand is done; a server may not say. */
const within = (index: IndexReply & { within?: number }): number => index.within ?? 0;

function share(index: IndexReply): number {
  return index.total > 0 ? (index.done + within(index)) / index.total : 0;
}

function progress(index: IndexReply): string {
  if (index.state === "waiting") return "waiting for its turn";
  const stage: string = index.stage;
  if (stage === "projections")
    return `reading layer ${Math.min(index.done + 1, index.total)} of ${index.total}`;
  return `${stage === "clusters" ? "finding clusters" : stage}, step ${index.done} of ${index.total}`;
}

/** One line under the bar while the index is not complete; nothing once it is. */
export function IndexState({ model }: { model: string }) {
  const { data: index, error, refetch } = useIndex(model);
  const change = useChangeIndex(model);
  if (error && !index)
    return (
      <div className={styles.place}>
        <Failure error={asApiError(error)} onRetry={() => void refetch()} />
      </div>
    );
  if (!index || index.state === "ready") return null;
  const covered = `${index.layers_ready} of ${index.n_layers} layers can be searched by keyword`;
  if (index.state === "failed")
    return (
      <div className={styles.place}>
        <div className={failure.failure} role="alert">
          <TriangleAlert aria-hidden className={failure.sign} />
          <p>
            <strong>The index could not be built. {index.error}</strong> Concept search, vectors and
            Trace work without it; {covered}.
          </p>
          <Button disabled={change.isPending} onClick={() => change.mutate("start")}>
            <RotateCw aria-hidden /> Try again
          </Button>
        </div>
      </div>
    );
  const building = isBuilding(index);
  const left = index.seconds_left;
  return (
    <div className={styles.place}>
      <div className={styles.state} role="status" data-testid="index-state">
        <p>
          <strong>{building ? `Index: ${progress(index)}` : "The index is not complete"}</strong>
          {building && left !== null && <span>about {formatDuration(left)} left</span>}
          <span>{covered}</span>
        </p>
        <div
          className={styles.bar}
          style={{ "--share": share(index) } as CSSProperties}
          role="progressbar"
          aria-label="Building the index"
          aria-valuenow={index.done + within(index)}
          aria-valuemin={0}
          aria-valuemax={Math.max(index.total, 1)}
        />
        <Button
          disabled={change.isPending}
          onClick={() => change.mutate(building ? "cancel" : "start")}
        >
          {building ? <Square aria-hidden /> : <Play aria-hidden />}
          {building ? "Cancel" : index.layers_ready > 0 ? "Go on" : "Build it"}
        </Button>
      </div>
    </div>
  );
}

/** What stands in for clusters until there are some, or where there will be none. */
export function ClustersMissing({ index }: { index: IndexReply | undefined }) {
  const text = !index
    ? "Asking how far the index is…"
    : index.n_clusters === 0
      ? "This server builds no clusters: its setting n_clusters is 0."
      : isBuilding(index)
        ? "The clusters are found once all layers are read; they appear here by themselves."
        : "There are no clusters yet: they are part of the index, which is not complete.";
  return (
    <p className={styles.missing} role="status">
      {text}
    </p>
  );
}

/** How much there is, in the bar. */
export function IndexFacts({ model, vectors }: { model: string; vectors: number }) {
  const { data: index } = useIndex(model);
  return (
    <p className={styles.facts}>
      {formatCount(vectors)} value vectors
      {hasClusters(index) && <>, {formatCount(index.n_clusters)} clusters</>}
    </p>
  );
}
