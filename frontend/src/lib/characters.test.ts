import { describe, expect, it } from "vitest";
import { describeShares, isText, joinTokens, placeCharacters } from "./characters";
import type { TokenLike } from "./tokens";

const encoder = new TextEncoder();
const hexOf = (bytes: Uint8Array) =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** The bytes of a text cut into tokens of these sizes, as the server tells them. */
function cut(text: string, ...sizes: number[]): TokenLike[] {
  const bytes = encoder.encode(text);
  const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, n) => sum + n, 0));
  return ends.map((end, index) => token(bytes.subarray(ends[index - 1] ?? 0, end)));
}

function token(bytes: Uint8Array): TokenLike {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return text.includes("\ufffd") ? { text, hex: hexOf(bytes) } : { text, hex: null };
}

const raw = (hex: string): TokenLike => ({ text: "\ufffd", hex });

/** What is drawn for each token: its own text, bytes in brackets, nothing where it only goes on. */
const drawn = (tokens: readonly TokenLike[]) =>
  placeCharacters(tokens).map((place, index) =>
    (place?.parts ?? [tokens[index] ?? { text: "" }])
      .map((part) => (part.hex ? `[${part.hex}]` : part.text))
      .join(""),
  );

const parts = (tokens: readonly TokenLike[]) =>
  placeCharacters(tokens).map((place) => describeShares(place?.shares));

const family = "👩‍👩‍👧";

describe("what is drawn in each token's place", () => {
  it.each<[string, TokenLike[], string[]]>([
    ["nothing", [], []],
    ["words", [{ text: "My" }, { text: " wife" }], ["My", " wife"]],
    ["an emoji, 2 + 2", cut("😀", 2, 2), ["😀", ""]],
    ["an emoji, 1 + 3", cut("😀", 1, 3), ["😀", ""]],
    ["an emoji, 3 + 1", cut("😀", 3, 1), ["😀", ""]],
    ["an emoji, byte by byte", cut("😀", 1, 1, 1, 1), ["😀", "", "", ""]],
    ["a curly quote", cut("“", 2, 1), ["“", ""]],
    ["two characters that meet in a token", cut("日本", 2, 3, 1), ["日", "本", ""]],
    ["a character between text", cut(" café s", 5, 3), [" café", " s"]],
    ["a space before an emoji", cut(" 😀", 3, 2), [" 😀", ""]],
    ["an unfinished one", [...cut("😀", 2, 2).slice(0, 1)], ["[f0 9f]"]],
    ["one that is broken off", [raw("f0 9f"), { text: "a" }], ["[f0 9f]", "a"]],
    ["bytes that are none", [raw("ff"), raw("80")], ["[ff]", "[80]"]],
    ["one after a lost byte", [raw("ff e2"), raw("82 ac")], ["[ff]€", ""]],
    ["one before a lost byte", [raw("e2 82"), raw("ac ff")], ["€", "[ff]"]],
    ["a lost byte inside", [raw("e2"), raw("ff"), raw("82 ac")], ["[e2]", "[ff]", "[82 ac]"]],
    ["an overlong form", [raw("c0"), raw("80")], ["[c0]", "[80]"]],
    ["half of a surrogate pair", [raw("ed a0"), raw("80")], ["[ed a0]", "[80]"]],
    ["a family, emoji by emoji", cut(family, 4, 3, 4, 3, 4), [family, "", "", "", ""]],
    ["a family in halves of bytes", cut(family, 2, 9, 7), [family, "", ""]],
    ["a family in one token", cut(family, 18), [family]],
    ["a heart and its selector", cut("❤️!", 3, 3, 1), ["❤️", "", "!"]],
    ["a letter and its accent", cut("e\u0301a", 1, 3), ["e\u0301", "a"]],
    ["a flag", cut("🇫🇷", 4, 4), ["🇫🇷", ""]],
    ["a byte order mark", cut("\ufeffa", 1, 2, 1), ["\ufeff", "", "a"]],
    ["the end of a line", cut("\r\n", 1, 1), ["\r", "\n"]],
    ["a token without text", [{ text: "a" }, { text: "" }, { text: "b" }], ["a", "", "b"]],
    ["one without text inside a character", [raw("e2"), { text: "" }, raw("82 ac")], ["€", "", ""]],
  ])("%s", (_, tokens, expected) => {
    expect(drawn(tokens)).toEqual(expected);
  });

  it("leaves alone what shares nothing", () => {
    expect(placeCharacters([{ text: " a" }, raw("f0 9f"), { text: "\u200d" }])).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("keeps every valid character in its place, whatever the cuts", () => {
    const text = `Möwe ${family} 日本語 “x” ❤️\n`;
    const size = encoder.encode(text).length;
    for (let width = 1; width <= 7; width++) {
      const sizes = Array.from({ length: Math.ceil(size / width) }, () => width);
      expect(drawn(cut(text, ...sizes)).join("")).toBe(text);
    }
  });

  it("counts the characters that are drawn", () => {
    expect(placeCharacters(cut(" é", 2, 1)).map((place) => place?.length)).toEqual([2, 0]);
  });
});

describe("the parts of a character", () => {
  it("are numbered, and a token may have a part of two", () => {
    expect(parts(cut("日本", 2, 3, 1))).toEqual([
      "part 1 of 2 of “日”",
      "part 2 of 2 of “日”, part 1 of 2 of “本”",
      "part 2 of 2 of “本”",
    ]);
    expect(parts([{ text: "a" }, raw("ff")])).toEqual(["", ""]);
  });

  it("name what cannot be seen by its number, and what is joined as it looks", () => {
    expect(parts(cut("\u200b", 1, 2))[0]).toBe("part 1 of 2 of “\\u200b”");
    expect(parts(cut("❤️", 3, 3))[1]).toBe("part 2 of 2 of “❤️”");
  });
});

describe("isText", () => {
  it.each<[boolean, TokenLike[]]>([
    [true, []],
    [true, [{ text: "\ufeffa" }, { text: " \ufffd" }]],
    [true, cut("😀", 2, 2)],
    [false, cut("😀", 2, 2).slice(0, 1)],
    [false, [raw("80")]],
  ])("%s for %j", (expected, tokens) => {
    expect(isText(tokens)).toBe(expected);
  });
});

describe("joinTokens", () => {
  it("puts characters together that tokens cut apart", () => {
    const euro = [
      { text: "\ufffd", hex: "e2 82" },
      { text: "\ufffd", hex: "ac" },
    ];
    expect(joinTokens([{ text: " 5" }, ...euro, { text: "!" }])).toBe(" 5€!");
  });
});
