/** One layer, read as the data flows: before its FFN, what the FFN adds, after. */

import { memo, useMemo } from "react";
import type { Layer } from "@/api/types";
import { ChangeRow, ProbRow } from "@/components/ProbRow";
import { SubUpdateRow } from "@/components/SubUpdateRow";
import { compareStates, compareSubUpdates, type TokenChange } from "@/lib/diff";
import { valueKey } from "@/lib/values";
import type { Reading } from "@/state/session";
import styles from "./LayerRow.module.css";

interface Props {
  unedited: Layer;
  edited: Layer | null;
  reading: Reading;
}

export const layerId = (layer: number): string => `layer-${layer}`;

export const LayerRow = memo(function LayerRow({ unedited, edited, reading }: Props) {
  const id = `${layerId(unedited.layer)}-title`;
  return (
    <li className={styles.layer} id={layerId(unedited.layer)} aria-labelledby={id}>
      <h3 id={id} className={styles.title}>
        <span className="visually-hidden">Layer </span>
        {unedited.layer}
      </h3>
      <States label="Before" place="before" {...{ unedited, edited, reading }} />
      <SubUpdates {...{ unedited, edited, reading }} />
      <States label="After" place="after" {...{ unedited, edited, reading }} />
    </li>
  );
});

function States(props: Props & { label: string; place: "before" | "after" }) {
  const { unedited, edited, reading, place, label } = props;
  const changes = useMemo(
    () => (edited ? compareStates(unedited[place], edited[place]) : []),
    [unedited, edited, place],
  );
  return (
    <div className={styles[place]}>
      <h4 className={styles.small}>{label}</h4>
      <ol aria-label={`${label} layer ${unedited.layer}`}>
        {edited && reading === "difference" ? (
          <Differences changes={changes} count={unedited[place].top.length} />
        ) : (
          <Tokens
            state={edited && reading === "edited" ? edited[place] : unedited[place]}
            changes={reading === "edited" ? changes : []}
          />
        )}
      </ol>
    </div>
  );
}

function Tokens({ state, changes }: { state: Layer["before"]; changes: TokenChange[] }) {
  const byId = new Map(changes.map((change) => [change.token.id, change]));
  return state.top.map((token, rank) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a row is a rank, so that bars grow in place
    <ProbRow key={rank} token={token} change={byId.get(token.id)} />
  ));
}

function Differences({ changes, count }: { changes: TokenChange[]; count: number }) {
  const moved = changes.filter((change) => Math.abs(change.delta) >= 0.0005).slice(0, count);
  if (moved.length === 0) return <li className={styles.same}>no change</li>;
  const scale = Math.max(0.05, ...moved.map((change) => Math.abs(change.delta)));
  return moved.map((change) => <ChangeRow key={change.token.id} change={change} scale={scale} />);
}

function SubUpdates({ unedited, edited, reading }: Props) {
  const list = edited && reading === "edited" ? edited.sub_updates : unedited.sub_updates;
  const largest = Math.max(0, ...list.map((update) => update.score));
  return (
    <div className={styles.subs}>
      <h4 className={styles.small}>Dominant sub-updates</h4>
      <ol aria-label={`Dominant sub-updates of layer ${unedited.layer}`}>
        {edited && reading === "difference" ? (
          <SubUpdateChanges unedited={unedited} edited={edited} />
        ) : (
          list.map((update, rank) => (
            <SubUpdateRow
              key={valueKey(update)}
              update={update}
              largest={largest}
              first={update.layer === 0 && rank === 0}
            />
          ))
        )}
      </ol>
    </div>
  );
}

function SubUpdateChanges({ unedited, edited }: { unedited: Layer; edited: Layer }) {
  const changes = compareSubUpdates(unedited.sub_updates, edited.sub_updates);
  const largest = Math.max(
    0,
    ...changes.map(({ unedited: a, edited: b }) => Math.max(a?.score ?? 0, b?.score ?? 0)),
  );
  return changes.map(({ unedited: before, edited: after, kind }, rank) => {
    const update = after ?? before;
    if (!update) return null;
    const moved =
      before &&
      after &&
      Math.abs(before.coefficient - after.coefficient) > 1e-3 * Math.abs(before.coefficient);
    return (
      <SubUpdateRow
        key={valueKey(update)}
        update={update}
        largest={largest}
        first={update.layer === 0 && rank === 0}
        mark={kind === "entered" ? "new" : kind === "left" ? "out" : undefined}
        from={moved ? before.coefficient : undefined}
      />
    );
  });
}
