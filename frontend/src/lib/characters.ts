/**
 * A running text put together from tokens, each of which keeps its own place in it.
 *
 * Tokenizers cut characters apart: an emoji comes as two or four tokens of bytes, a family of emoji
 * as a dozen. What belongs together for a reader (a grapheme cluster, Unicode UAX 29) is drawn whole,
 * in the place of the token that it begins in; the tokens that go on with it know their part of it.
 */

import { describeToken, type TokenLike } from "./tokens";

/** A character that a token shares with its neighbours. */
export interface Share {
  text: string;
  /** Which of the tokens this is, from 1. */
  part: number;
  of: number;
}

export interface Place {
  /** What is drawn here: characters that begin in this token, bytes that make none. */
  parts: readonly TokenLike[];
  shares: readonly Share[];
  /** How many characters are drawn here. */
  length: number;
}

/** A character, or a byte that is none, by where it stands in the bytes of the text. */
interface Unit {
  start: number;
  end: number;
  text: string | null;
}

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const segmenter =
  "Segmenter" in Intl ? new Intl.Segmenter("en", { granularity: "grapheme" }) : null;

/** The bytes of a token. */
function bytesOf(token: TokenLike): Uint8Array {
  if (!token.hex) return encoder.encode(token.text);
  return Uint8Array.from(token.hex.split(/\s+/), (byte) => Number.parseInt(byte, 16));
}

function decode(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The text of consecutive tokens; bytes that only together make a character are put together. */
export const joinTokens = (tokens: readonly TokenLike[]): string =>
  lenient.decode(concat(tokens.map(bytesOf)));

/** Whether the tokens make whole characters, so that there is a text which is exactly them. */
export const isText = (tokens: readonly TokenLike[]): boolean =>
  decode(concat(tokens.map(bytesOf))) !== null;

/** Code points, and single bytes where there is none. */
function codePoints(bytes: Uint8Array): Unit[] {
  const units: Unit[] = [];
  for (let start = 0; start < bytes.length; ) {
    const first = bytes[start] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const text = decode(bytes.subarray(start, start + length));
    const end = text === null ? start + 1 : start + length;
    units.push({ start, end, text });
    start = end;
  }
  return units;
}

/** Code points that make one character for a reader are one unit. */
function clusters(points: readonly Unit[]): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < points.length; ) {
    const run = points.slice(at).findIndex(({ text }) => text === null);
    const end = run < 0 ? points.length : at + run;
    const text = points
      .slice(at, end)
      .map((point) => point.text)
      .join("");
    for (const cluster of split(text)) {
      const size = [...cluster].length;
      const first = points[at];
      const last = points[at + size - 1];
      if (first && last) units.push({ start: first.start, end: last.end, text: cluster });
      at += size;
    }
    const lost = points[at];
    if (lost && at === end) {
      units.push(lost);
      at += 1;
    }
  }
  return units;
}

function split(text: string): string[] {
  if (!segmenter) return [...text];
  return [...segmenter.segment(text)].flatMap(({ segment }) =>
    segment === "\r\n" ? ["\r", "\n"] : [segment],
  );
}

const hexOf = (byte: number) => byte.toString(16).padStart(2, "0");

/**
 * Where the characters of consecutive tokens are drawn. null for a token that is drawn as if it stood
 * alone: it shares no character, and none of its own has several code points.
 */
export function placeCharacters(tokens: readonly TokenLike[]): (Place | null)[] {
  const pieces = tokens.map(bytesOf);
  const bytes = concat(pieces);
  const owners = pieces.flatMap((piece, index) => Array.from(piece, () => index));
  const parts: TokenLike[][] = tokens.map(() => []);
  const shares: Share[][] = tokens.map(() => []);
  const lengths: number[] = tokens.map(() => 0);
  for (const { start, end, text } of clusters(codePoints(bytes))) {
    const sharing = [...new Set(owners.slice(start, end))];
    const [owner = 0] = sharing;
    const own = parts[owner] ?? [];
    const last = own.at(-1);
    lengths[owner] = (lengths[owner] ?? 0) + 1;
    if (text === null) {
      const hex = hexOf(bytes[start] ?? 0);
      if (last?.hex) Object.assign(last, { hex: `${last.hex} ${hex}`, text: `${last.text}\ufffd` });
      else own.push({ text: "\ufffd", hex });
    } else if ([...text].length > 1) own.push({ text, whole: true });
    else if (last && !last.hex && !last.whole) last.text += text;
    else own.push({ text });
    if (sharing.length > 1)
      for (const [at, index] of sharing.entries())
        shares[index]?.push({ text: text ?? "", part: at + 1, of: sharing.length });
  }
  return tokens.map((_, index) => {
    const place = { parts: parts[index] ?? [], shares: shares[index] ?? [] };
    if (place.shares.length === 0 && !place.parts.some(({ whole }) => whole)) return null;
    return { ...place, length: lengths[index] ?? 0 };
  });
}

/** “part 1 of 2 of “😀””, for a title or a spoken name. */
export const describeShares = (shares: readonly Share[] = []): string =>
  shares
    .map(({ text, part, of }) => {
      const whole = [...text].length > 1;
      return `part ${part} of ${of} of ${describeToken({ text, whole })}`;
    })
    .join(", ");
