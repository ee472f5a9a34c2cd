/**
 * How a token is made visible: spaces, newlines, control and invisible characters, raw bytes.
 *
 * The real characters always stay in the text (so that copying, searching and screen readers get
 * them); the visible stand-in is drawn by the style sheet from `mark`.
 */

export interface TokenLike {
  text: string;
  hex?: string | null;
  id?: number;
  /** One character of several code points: nothing in it is drawn as a mark. */
  whole?: boolean;
}

export type SegmentKind = "plain" | "space" | "newline" | "tab" | "escape" | "hex" | "empty";

export interface Segment {
  kind: SegmentKind;
  /** The real characters; joined over all segments they give the token's text. */
  text: string;
  /** What is drawn in their place; null: the characters themselves. */
  mark: string | null;
}

const SPECIAL: Record<string, [SegmentKind, string]> = {
  " ": ["space", "·"],
  "\n": ["newline", "⏎"],
  "\t": ["tab", "⇥"],
  "\r": ["escape", "\\r"],
};

/** Characters that draw nothing, or that would change how their neighbours are drawn. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Zs}\u115f\u1160\u3164\uffa0]|\p{Variation_Selector}/u;

function escapeOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100 && code !== 0xa0 && code !== 0xad)
    return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code > 0xffff) return `\\u{${code.toString(16)}}`;
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** A space between two visible characters needs no mark. */
function isInner(chars: string[], index: number): boolean {
  const visible = (char: string | undefined) => char !== undefined && !INVISIBLE.test(char);
  return visible(chars[index - 1]) && visible(chars[index + 1]);
}

/** Split a token into stretches that are drawn alike. */
export function segments(token: TokenLike): Segment[] {
  if (token.hex) return [{ kind: "hex", text: token.text, mark: token.hex }];
  if (token.whole) return [{ kind: "plain", text: token.text, mark: null }];
  if (token.text === "") return [{ kind: "empty", text: "", mark: "∅" }];
  const out: Segment[] = [];
  const chars = [...token.text];
  chars.forEach((char, index) => {
    const special = SPECIAL[char];
    const last = out.at(-1);
    if (special && !(char === " " && isInner(chars, index))) {
      out.push({ kind: special[0], text: char, mark: special[1] });
    } else if (char !== " " && INVISIBLE.test(char)) {
      out.push({ kind: "escape", text: char, mark: escapeOf(char) });
    } else if (last?.kind === "plain") {
      last.text += char;
    } else {
      out.push({ kind: "plain", text: char, mark: null });
    }
  });
  return out;
}

/** One line for a title or a spoken name: the text in quotes, its bytes, its id. */
export function describeToken(token: TokenLike): string {
  const text = token.hex
    ? `bytes ${token.hex}`
    : `“${segments(token)
        .map((part) => (part.kind === "space" || part.mark === null ? part.text : part.mark))
        .join("")}”`;
  return token.id === undefined ? text : `${text} · token ${token.id}`;
}
