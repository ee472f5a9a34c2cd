/** What the Why panel asks: the followed tokens' lines, and what adds up to A's lead over B. */

import { useMemo, useState } from "react";
import { postAttribute, postFollow } from "@/api/client";
import { useLimits } from "@/api/queries";
import type { AttributeReply, FollowReply, State, Token, TraceReply } from "@/api/types";
import { useReadyModel } from "@/state/model";
import { usePanelQuery } from "@/state/panel";
import { useSession } from "@/state/session";
import { useAboutPrompt, useTrace } from "@/state/trace";

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

export const finalStates = (reply: TraceReply | null): State[] =>
  [reply?.edited, reply?.unedited].flatMap((run) => run?.positions[0]?.layers.at(-1)?.after ?? []);

/** The likeliest tokens of both runs, those of the edited one first. */
export function likeliest(reply: TraceReply | null): Token[] {
  const byId = new Map<number, Token>();
  const states = finalStates(reply);
  const ranks = Math.max(0, ...states.map((state) => state.top.length));
  for (let rank = 0; rank < ranks; rank += 1)
    for (const state of states) {
      const token = state.top[rank];
      if (token) byId.set(token.id, byId.get(token.id) ?? token);
    }
  return [...byId.values()];
}

/** Texts of tokens by id, from wherever they were seen. */
export function useTokenTexts(follow: FollowReply | null, picked: readonly Token[]) {
  const { reply } = useTrace();
  return useMemo(() => {
    const all = [
      ...picked,
      ...finalStates(reply).flatMap((state) => state.top),
      ...(follow?.unedited ?? []).map(({ token }) => token),
    ];
    return new Map(all.map((token) => [token.id, token]));
  }, [reply, follow, picked]);
}
