/** How the tokens beside it were read: raw, lens, exact or own norm (rule 22), explained on demand. */

import type { Reading } from "@/api/types";
import { explainReading, READINGS } from "@/lib/words";
import { useModel } from "@/state/model";
import { Tip } from "./Button";
import styles from "./ReadingName.module.css";

export function ReadingName({ reading }: { reading: Reading }) {
  const model = useModel();
  return (
    <Tip label={explainReading(reading, model)}>
      <button type="button" className={styles.reading} data-reading={reading}>
        <span className="visually-hidden">Reading: </span>
        {READINGS[reading]}
      </button>
    </Tip>
  );
}
