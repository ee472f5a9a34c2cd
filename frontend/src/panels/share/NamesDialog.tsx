/** Names that cannot simply join the others: for another model, or for vectors that have a name. */

import { useId, useState } from "react";
import { Button } from "@/components/Button";
import { Modal } from "@/components/Modal";
import { type Names, useNames } from "@/state/names";
import { type Here, importNames } from "./actions";
import { mergeNames } from "./namesFile";
import styles from "./Share.module.css";

interface Props {
  model: string;
  names: Names;
  here: Here;
  onClose(): void;
}

export function NamesDialog({ model, names, here, onClose }: Props) {
  const [target, setTarget] = useState(model);
  const mine = useNames((state) => state.byModel[target]) ?? {};
  const merge = mergeNames(mine, names);
  const differing = Object.keys(names).filter((key) => mine[key] && mine[key] !== names[key]);
  const group = useId();
  const other = here.model !== null && here.model !== model ? here.model : null;
  const choose = (next: string) => {
    useNames.getState().open(next);
    setTarget(next);
  };
  return (
    <Modal title="Import names" onClose={onClose}>
      {other && (
        <fieldset className={styles.choice}>
          <legend>
            These are names for <bdi className={styles.code}>{model}</bdi>. Take them for
          </legend>
          {[model, other].map((id) => (
            <label key={id}>
              <input
                type="radio"
                name={group}
                checked={id === target}
                onChange={() => choose(id)}
              />
              <bdi>{id}</bdi>
              {id === other && <small>the present model, whose vectors are others</small>}
            </label>
          ))}
        </fieldset>
      )}
      {differing.length > 0 ? (
        <>
          <p>
            {differing.length === 1
              ? "One vector has another name already:"
              : `${differing.length} vectors have other names already:`}
          </p>
          <ul className={styles.names} aria-label="Vectors with two names">
            {differing.map((key) => (
              <li key={key}>
                <span className={styles.code}>{key}</span>
                <bdi>{mine[key]}</bdi>
                <span className={styles.quiet}>in the file:</span>
                <bdi>{names[key]}</bdi>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>
          {merge.added} of its {Object.keys(names).length} names are new here.
        </p>
      )}
      <div className={styles.row}>
        {differing.length > 0 ? (
          <>
            <Button look="primary" onClick={() => importNames(target, names, false)}>
              Keep mine
            </Button>
            <Button onClick={() => importNames(target, names, true)}>Take the file’s</Button>
          </>
        ) : (
          <Button look="primary" onClick={() => importNames(target, names, false)}>
            Import
          </Button>
        )}
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </Modal>
  );
}
