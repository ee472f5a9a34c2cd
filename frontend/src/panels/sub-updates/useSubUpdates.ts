/** What the panel asks: one layer's sub-updates, of the run that the layers show. */

import { useMemo, useState } from "react";
import { postSubUpdates } from "@/api/client";
import { useLimits } from "@/api/queries";
import type { SubUpdatesReply } from "@/api/types";
import { useReadyModel } from "@/state/model";
import { usePanelQuery } from "@/state/panelQuery";
import { useSession } from "@/state/session";
import { useAboutPrompt } from "@/state/trace";

export type Sort = "score" | "effect";
const STEP = 50;
/** Tokens that each pushes up, and down. */
const N_TOKENS = 5;

/** A, and B where the effect is to be the one on A's lead. A link may name tokens of other models. */
export function useAsked(versus: boolean): { a: number | null; b: number | null } {
  const ids = useSession((state) => state.tokens);
  const size = useReadyModel()?.vocab_size ?? 0;
  const [a = null, b = null] = ids.filter((id) => id < size);
  return { a, b: versus ? b : null };
}

interface Asked {
  layer: number;
  /** false: of the run without interventions. */
  edited: boolean;
  sort: Sort;
  a: number | null;
  b: number | null;
}

export function useSubUpdates({ layer, edited, sort, a, b }: Asked) {
  const about = useAboutPrompt();
  const position = useSession((state) => state.position) ?? -1;
  const most = Math.min(useLimits().max_top_k, useReadyModel()?.ffn_width ?? STEP);
  const [wanted, want] = useState(STEP);
  const top_k = Math.min(wanted, most);
  const question = useMemo(() => {
    if (!about) return null;
    return {
      ...about,
      interventions: edited ? about.interventions : [],
      ...{ position, layer, top_k, n_tokens: N_TOKENS },
      ...{ sort: a === null ? ("score" as const) : sort, token: a, against: b },
    };
  }, [about, edited, position, layer, top_k, sort, a, b]);
  const view = usePanelQuery<NonNullable<typeof question>, SubUpdatesReply>(
    "sub_updates",
    question,
    postSubUpdates,
  );
  return { ...view, most, wanted: top_k, more: () => want(top_k + STEP) };
}
