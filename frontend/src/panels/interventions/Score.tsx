/** The score that came of a vector that is on by score (rule 19): what its coefficient was chosen for. */

import { useQuery } from "@tanstack/react-query";
import { DETAILS_TOP_K, valueQuery } from "@/api/queries";
import { formatScore } from "@/lib/numbers";
import { sameValue, type ValueRef } from "@/lib/values";
import { useReadyModel } from "@/state/model";
import { useTrace } from "@/state/trace";
import styles from "./Card.module.css";

interface Props {
  item: ValueRef;
  /** m of the edited run; null: not known. */
  coefficient: number | null;
}

/**
 * As the edited run lists it; of a vector that is not among the dominant ones, |m| · norm. Behind a
 * post-norm a score has that norm's scale in it, too, which only the list knows (rule 20).
 */
export function Score({ item, coefficient }: Props) {
  const { reply } = useTrace();
  const model = useReadyModel();
  const listed = reply?.edited?.positions[0]?.layers[item.layer]?.sub_updates.find((update) =>
    sameValue(update, item),
  );
  const measured = coefficient !== null && !listed && model !== null && !model.post_norm;
  const { data } = useQuery({
    ...valueQuery(model?.id ?? "", item, DETAILS_TOP_K),
    enabled: measured,
  });
  if (coefficient === null) return null;
  if (listed)
    return (
      <p className={styles.score} title={`score ${listed.score}`}>
        score {formatScore(listed.score)} in the edited run
      </p>
    );
  if (!measured) return <p className={styles.score}>score not among the layer’s dominant ones</p>;
  const score = data && Math.abs(coefficient) * data.norm;
  return (
    <p className={styles.score} title={score === undefined ? undefined : `score ${score}`}>
      |coefficient| · norm {score === undefined ? "…" : formatScore(score)}
    </p>
  );
}
