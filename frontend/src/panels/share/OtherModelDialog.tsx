/** A run for a model that this server does not serve: what of it fits the present one. */

import type { ReadyModel } from "@/api/queries";
import { Button } from "@/components/Button";
import { Modal } from "@/components/Modal";
import { inShape } from "@/lib/values";
import { openRun } from "./actions";
import type { Run } from "./runFile";
import styles from "./Share.module.css";

interface Props {
  run: Run;
  file: string;
  model: ReadyModel | null;
  onClose(): void;
}

function whatFits(run: Run, model: ReadyModel): string {
  const cards = run.edits.interventions;
  const fitting = cards.filter((card) => inShape(card, model)).length;
  if (cards.length === 0)
    return "It has no interventions, so its prompt is all that there is to open.";
  const vectors = cards.length === 1 ? "Its one vector" : `All ${cards.length} of its vectors`;
  if (fitting === cards.length)
    return `${vectors} can be found by number in ${model.id}, but will be about something else there.`;
  return `${fitting} of its ${cards.length} vectors exist${fitting === 1 ? "s" : ""} in ${model.id}, by number only; the others are kept and take no part.`;
}

export function OtherModelDialog({ run, file, model, onClose }: Props) {
  return (
    <Modal title="Another model" onClose={onClose}>
      <p>
        <bdi>{file}</bdi> was made with <bdi className={styles.code}>{run.model}</bdi>, which this
        server does not serve. Start a server with it, or open the run with the present model.
      </p>
      {model && (
        <p className={styles.quiet}>
          {whatFits(run, model)} Names and chosen tokens of the other model are left out.
        </p>
      )}
      <div className={styles.row}>
        {model && (
          <Button look="primary" onClick={() => openRun(run, file, model.id)}>
            <span>
              Open with <bdi>{model.id}</bdi>
            </span>
          </Button>
        )}
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Modal>
  );
}
