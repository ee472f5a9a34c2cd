/** The coefficient of a vector in both runs, as far as the last reply tells. */

import { useEffect, useState } from "react";
import type { Kind } from "@/api/types";
import { sameValue } from "@/lib/values";
import type { Intervention } from "@/state/interventions";
import { useTrace } from "@/state/trace";

export interface Coefficients {
  unedited: number | null;
  /** null: the intervention takes no part in what is shown. */
  edited: number | null;
}

/**
 * Replies tell only of what takes part, so the unedited one is kept while the prompt is the same.
 *
 * `sent`: the kind of intervention that is in force, if any is: a reply to another one is not shown.
 */
export function useCoefficients(item: Intervention, sent: Kind | null): Coefficients {
  const { reply } = useTrace();
  const [kept, keep] = useState<{ place: string; value: number } | null>(null);
  const place = reply ? JSON.stringify([reply.model, reply.prompt, reply.positions]) : "";
  const applied = reply?.interventions.find((other) => sameValue(other, item));
  const listed = reply?.unedited.positions[0]?.layers[item.layer]?.sub_updates;
  const told =
    applied?.unedited_coefficient ?? listed?.find((each) => sameValue(each, item))?.coefficient;
  useEffect(() => {
    if (told !== undefined) keep({ place, value: told });
  }, [place, told]);
  return {
    unedited: told ?? (kept?.place === place ? kept.value : null),
    edited: applied && applied.kind === sent ? applied.edited_coefficient : null,
  };
}
