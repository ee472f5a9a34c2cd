/** The tokens in question, by the letters that stand for them everywhere: A, B, C, ... */

import { useMemo } from "react";
import { useNotice } from "./notice";
import { MAX_TOKENS, useSession } from "./session";

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
