/** How far a loading model is, in words. */

import type { Model, Progress } from "@/api/types";
import { formatCount, formatShare } from "@/lib/numbers";

const MB = 1e6;

/** Between 0 and 1; null where nobody knows. */
export function shareDone(progress: Progress | null): number | null {
  if (!progress?.total) return null;
  return Math.min(progress.done / progress.total, 1);
}

export function progressWords(progress: Progress | null): string {
  const { stage, done, total } = progress ?? { stage: "starting", done: 0, total: null };
  if (stage === "waiting") return "Waiting until the models before it are loaded";
  if (stage === "starting") return "Starting";
  if (stage === "reading")
    return total === null ? "Reading weights" : `Reading weights, ${done} of ${total} tensors`;
  const megabytes = formatCount(Math.round(done / MB));
  if (total === null) return `Downloading, ${megabytes} MB so far`;
  return `Downloading, ${megabytes} of ${formatCount(Math.round(total / MB))} MB`;
}

/** The one or two words beside a model's name. */
export function stateWords({ state, progress }: Model): string {
  if (state !== "loading") return state;
  const share = shareDone(progress);
  if (share !== null) return `loading ${formatShare(share)}`;
  return progress?.stage === "waiting" ? "waiting" : "loading";
}
