/** The tokens in question, by the letters that stand for them everywhere: A, B, C, ... */

import { useMemo } from "react";
import type { FollowReply, State, Token, TraceReply } from "@/api/types";
import { useNotice } from "./notice";
import { MAX_TOKENS, useSession } from "./session";
import { useTrace } from "./trace";

export const letterOf = (index: number): string => String.fromCharCode(65 + index);

/** The colour of its line in the Why panel. */
export const colourOf = (letter: string): string =>
  `var(--series-${((letter.charCodeAt(0) - 65) % 8) + 1})`;

/** Token id -> letter. The same map until the tokens change. */
export function useLetters(): ReadonlyMap<number, string> {
  const tokens = useSession((state) => state.tokens);
  return useMemo(() => new Map(tokens.map((id, index) => [id, letterOf(index)])), [tokens]);
}

/** Follow a token, or let go of it. */
export function toggleFollowed(id: number): void {
  const { tokens, setTokens } = useSession.getState();
  if (tokens.includes(id)) setTokens(tokens.filter((known) => known !== id));
  else if (tokens.length < MAX_TOKENS) setTokens([...tokens, id]);
  else
    useNotice.getState().show({
      text: `${MAX_TOKENS} tokens are followed already: let go of one first.`,
    });
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
