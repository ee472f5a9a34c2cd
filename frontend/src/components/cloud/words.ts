/** From tokens with logits to the words of a cloud. */

import type { TokenLogit } from "@/api/types";
import { segments } from "@/lib/tokens";

export const SMALLEST = 11;
export const LARGEST = 46;
/** Sizes go with the square of the logit: the top 50 lie close together and would all look alike. */
const POWER = 2;
const LONGEST = 22;

export interface CloudWord {
  token: TokenLogit;
  /** What is drawn: invisible characters by their marks, those of spaces and the like fainter. */
  parts: readonly { text: string; faint: boolean }[];
  /** Font size in the units of the drawing. */
  size: number;
  /** Share of the largest logit; a negative logit counts as 0 (rule 18). */
  share: number;
}

/** The drawn text as a whole. */
export const wordText = ({ parts }: CloudWord): string => parts.map(({ text }) => text).join("");

function drawn(token: TokenLogit): CloudWord["parts"] {
  let room = LONGEST;
  return segments(token).flatMap(({ kind, text, mark }) => {
    const chars = [...(mark ?? text)];
    const short = chars.length > room ? [...chars.slice(0, Math.max(room - 1, 0)), "…"] : chars;
    const shown = room > 0 ? short.join("") : "";
    room -= chars.length;
    return shown === "" ? [] : [{ text: shown, faint: kind !== "plain" && kind !== "hex" }];
  });
}

export function cloudWords(tokens: readonly TokenLogit[]): CloudWord[] {
  const largest = Math.max(0, ...tokens.map((token) => token.logit));
  return tokens.map((token) => {
    const share = largest > 0 ? Math.max(token.logit, 0) / largest : 0;
    const size = Math.round(SMALLEST + (LARGEST - SMALLEST) * share ** POWER);
    return { token, parts: drawn(token), size, share };
  });
}
