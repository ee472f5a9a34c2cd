/** A value vector wherever it appears: its name if it has one, else `L12D34`. */

import { type ValueRef, valueKey } from "@/lib/values";
import { useValueName } from "@/state/model";
import styles from "./ValueLabel.module.css";

interface Props {
  value: ValueRef;
  /** Show `L12D34` beside the name. */
  both?: boolean;
}

export function ValueLabel({ value, both = false }: Props) {
  const name = useValueName(value);
  const key = valueKey(value);
  if (name === null) return <span className={styles.key}>{key}</span>;
  return (
    <>
      <bdi className={styles.name} title={`${name} (${key})`}>
        {name}
      </bdi>
      {both && <span className={styles.quiet}>{key}</span>}
    </>
  );
}
