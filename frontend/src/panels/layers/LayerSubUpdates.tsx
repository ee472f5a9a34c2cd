/** What a layer's FFN adds: its dominant sub-updates, and how much of the whole they carry. */

import type { Layer } from "@/api/types";
import { compareSubUpdates } from "@/lib/diff";
import { formatKeys } from "@/lib/keys";
import { formatShare } from "@/lib/numbers";
import { openOver } from "@/state/layers";
import { useLayerPanel } from "@/state/panels";
import type { Reading } from "@/state/session";
import styles from "./LayerRow.module.css";
import type { LayerData } from "./layerData";
import { SubUpdateRow } from "./SubUpdateRow";

export function LayerSubUpdates({ data, reading }: { data: LayerData; reading: Reading }) {
  const { unedited, edited } = data;
  const run = edited && reading === "edited" ? edited : unedited;
  const { layer } = unedited;
  const all = useLayerPanel("sub-updates");
  return (
    <div className={styles.subs} data-column="sub-updates">
      <div className={styles.head}>
        <h4 className={styles.small}>Dominant sub-updates</h4>
        <Share run={run} edited={reading === "difference" ? edited : null} />
        {all && (
          <button
            type="button"
            className={styles.all}
            tabIndex={layer === 0 ? 0 : -1}
            data-stop
            data-all-of={layer}
            aria-label={`All sub-updates of layer ${layer}`}
            title={`${all.does}, in detail${all.key ? ` (${formatKeys(all.key)})` : ""}`}
            onClick={() => openOver(all.id, layer)}
          >
            all…
          </button>
        )}
      </div>
      <ol aria-label={`Dominant sub-updates of layer ${layer}`}>
        {edited && reading === "difference" ? (
          <Changes unedited={unedited} edited={edited} />
        ) : (
          <List run={run} />
        )}
      </ol>
    </div>
  );
}

/** Of the sum of all scores: vectors may cancel out, so it says nothing of the update's length. */
function Share({ run, edited }: { run: Layer; edited: Layer | null }) {
  const n = run.sub_updates.length;
  return (
    <span
      className={styles.share}
      title={`The ${n} listed sub-updates have ${formatShare(run.share)} of the sum of all scores of this layer`}
    >
      top {n} carry {formatShare(run.share)}
      {edited && ` → ${formatShare(edited.share)}`}
    </span>
  );
}

function List({ run }: { run: Layer }) {
  const largest = Math.max(0, ...run.sub_updates.map((update) => update.score));
  return run.sub_updates.map((update, rank) => (
    <SubUpdateRow
      // biome-ignore lint/suspicious/noArrayIndexKey: a row is a rank, and stays when the next trace comes
      key={rank}
      update={update}
      largest={largest}
      first={update.layer === 0 && rank === 0}
    />
  ));
}

/** Whether a coefficient was changed by more than rounding. */
const moved = (before: number, after: number): boolean =>
  Math.abs(before - after) > 1e-3 * Math.abs(before);

function Changes({ unedited, edited }: { unedited: Layer; edited: Layer }) {
  const changes = compareSubUpdates(unedited.sub_updates, edited.sub_updates);
  const scores = [...unedited.sub_updates, ...edited.sub_updates].map((update) => update.score);
  const largest = Math.max(0, ...scores);
  return changes.map(({ unedited: before, edited: after, kind }, rank) => {
    const update = after ?? before;
    if (!update) return null;
    const from = before && after && moved(before.coefficient, after.coefficient);
    return (
      <SubUpdateRow
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        key={rank}
        update={update}
        largest={largest}
        first={update.layer === 0 && rank === 0}
        mark={kind === "entered" ? "new" : kind === "left" ? "out" : undefined}
        from={from ? before.coefficient : undefined}
      />
    );
  });
}
