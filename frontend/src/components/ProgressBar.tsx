/** How far a loading model is, as a bar; it runs to and fro where nobody can tell. */

import type { Model } from "@/api/types";
import styles from "./ModelState.module.css";
import { progressWords, shareDone } from "./progress";

export function ProgressBar({ model }: { model: Model }) {
  const { state, progress } = model;
  if (state !== "loading" || progress?.stage === "waiting") return null;
  const share = shareDone(progress);
  const known = share !== null;
  return (
    <div
      role="progressbar"
      aria-label={`Loading ${model.id}`}
      aria-valuetext={progressWords(progress)}
      aria-valuenow={known ? Math.round(share * 100) : undefined}
      className={known ? styles.bar : `${styles.bar} ${styles.unknown}`}
    >
      <div style={known ? { width: `${share * 100}%` } : undefined} />
    </div>
  );
}
