import { describe, expect, it } from "vitest";
import { describeToken, segments } from "./tokens";

const marks = (text: string, hex: string | null = null) =>
  segments({ text, hex })
    .map((part) => part.mark ?? part.text)
    .join("");

describe("segments", () => {
  it.each([
    [" man", "·man"],
    ["  x ", "··x·"],
    ["a b", "a b"],
    ["\n", "⏎"],
    ["a\n\tb", "a⏎⇥b"],
    ["\r\n", "\\r⏎"],
    ["\u0000\u001b", "\\x00\\x1b"],
    ["\u007f\u0085", "\\x7f\\x85"],
    ["\u00a0", "\\u00a0"],
    ["\u00adx", "\\u00adx"],
    ["a\u200bb", "a\\u200bb"],
    ["\u202eabc", "\\u202eabc"],
    ["\ufeff", "\\ufeff"],
    ["\ufe0f", "\\ufe0f"],
    ["\u{e0041}", "\\u{e0041}"],
    ["\u3000", "\\u3000"],
    ["😀", "😀"],
    ["שלום", "שלום"],
    ["e\u0301", "e\u0301"],
    ["", "∅"],
    ["<b>", "<b>"],
  ])("draws %j as %j", (text, drawn) => {
    expect(marks(text)).toBe(drawn);
  });

  it("shows bytes that are no text as hex", () => {
    expect(marks("\ufffd\ufffd", "e2 80")).toBe("e2 80");
  });

  it.each([" a b\n", "\t\u200b x", "😀 \u0000", ""])("keeps the real characters of %j", (text) => {
    expect(
      segments({ text })
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });
});

describe("describeToken", () => {
  it("gives the text in quotes, invisible ones by name, and the id", () => {
    expect(describeToken({ text: " man", id: 5 })).toBe("“ man” · token 5");
    expect(describeToken({ text: "\n" })).toBe("“⏎”");
    expect(describeToken({ text: "\ufffd", hex: "e2" })).toBe("bytes e2");
  });
});
