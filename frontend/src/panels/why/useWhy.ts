/** What the Why panel asks: the followed tokens' lines, and what adds up to A's lead over B. */

import { useMemo, useState } from "react";
import { postAttribute, postFollow } from "@/api/client";
import { useLimits } from "@/api/queries";
import type { AttributeReply, FollowReply } from "@/api/types";
import { useReadyModel } from "@/state/model";
import { usePanelQuery } from "@/state/panelQuery";
import { useSession } from "@/state/session";
import { useAboutPrompt } from "@/state/trace";

/** Ids of the chosen tokens that the model has. A link may name others. */
function useKnownIds(): readonly number[] {
  const ids = useSession((state) => state.tokens);
  const size = useReadyModel()?.vocab_size ?? 0;
  return useMemo(() => ids.filter((id) => id < size), [ids, size]);
}

export function useFollow() {
  const about = useAboutPrompt();
  const position = useSession((state) => state.position) ?? -1;
  const tokens = useKnownIds();
  const question = useMemo(
    () => (about && tokens.length > 0 ? { ...about, position, tokens: [...tokens] } : null),
    [about, position, tokens],
  );
  return usePanelQuery<NonNullable<typeof question>, FollowReply>("follow", question, postFollow);
}

const FIRST = 10;
const MORE = 20;

/** `edited` false: of the run without interventions, whatever the interventions. */
export function useAttribution(edited: boolean) {
  const about = useAboutPrompt();
  const position = useSession((state) => state.position) ?? -1;
  const [token, against = null] = useKnownIds();
  const most = useLimits().max_top_k;
  const [wanted, want] = useState(FIRST);
  const top_k = Math.min(wanted, most);
  const question = useMemo(() => {
    if (!about || token === undefined) return null;
    const interventions = edited ? about.interventions : [];
    return { ...about, interventions, position, token, against, top_k };
  }, [about, edited, position, token, against, top_k]);
  const view = usePanelQuery<NonNullable<typeof question>, AttributeReply>(
    "attribute",
    question,
    postAttribute,
  );
  return { ...view, wanted: top_k, more: top_k < most ? () => want(top_k + MORE) : null };
}
