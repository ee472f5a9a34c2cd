/** What was computed twice when the models were loaded, and how far apart it came out (rule 25). */

import type { Model, SelfCheck } from "@/api/types";
import { Modal } from "@/components/Modal";
import { formatError } from "@/lib/numbers";
import styles from "./SelfCheckDialog.module.css";

interface Props {
  models: readonly Model[];
  onClose(): void;
}

export function SelfCheckDialog({ models, onClose }: Props) {
  return (
    <Modal title="Self-check" onClose={onClose}>
      <p className={styles.note}>
        On a short text, when a model is loaded: two ways to the same numbers, and their largest
        distance over the largest value. A model for which one does not hold is refused.
      </p>
      {models.map(
        ({ id, state, self_check }) =>
          state === "ready" && self_check && <Equalities key={id} id={id} check={self_check} />,
      )}
    </Modal>
  );
}

function Equalities({ id, check }: { id: string; check: SelfCheck }) {
  return (
    <table className={styles.table}>
      <caption>
        <bdi>{id}</bdi> <small>{check.seconds.toFixed(2)} s</small>
      </caption>
      <thead>
        <tr>
          <th scope="col">Equality</th>
          <th scope="col">Distance</th>
        </tr>
      </thead>
      <tbody>
        {check.equalities.map(({ name, meaning, error }) => (
          <tr key={name}>
            <th scope="row">{meaning}</th>
            <td title={String(error)}>{formatError(error)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
