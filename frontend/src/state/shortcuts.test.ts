import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatKeys, matchesKeys } from "@/lib/keys";
import { PANELS } from "@/panels/panels";
import { GROUPS, shortcutsWith } from "./shortcuts";

const table = shortcutsWith(PANELS);
/** The table for docs/page.md, between its markers `shortcuts:begin` and `shortcuts:end`. */
const markdown = [
  "| where | keys | what they do |",
  "|---|---|---|",
  ...GROUPS.flatMap((group) => table.filter((entry) => entry.group === group)).map(
    ({ group, keys, does }) => `| ${group} | ${keys.map(formatKeys).join(", ")} | ${does} |`,
  ),
].join("\n");
const press = (key: string, more: KeyboardEventInit = {}) =>
  new KeyboardEvent("keydown", { key, ...more });

describe("the table of shortcuts", () => {
  it("gives each key of the page to one action, and each action one name", () => {
    const keys = table.filter(({ local }) => !local).flatMap((entry) => entry.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(table.map(({ id }) => id)).size).toBe(table.length);
  });

  it("has something under every heading", () => {
    expect(GROUPS.filter((group) => !table.some((entry) => entry.group === group))).toEqual([]);
  });

  it("writes every key as it is on a keyboard", () => {
    expect(formatKeys("mod+shift+z")).toBe("Ctrl Shift Z");
    expect(formatKeys("alt+arrowup")).toBe("Alt ↑");
    const written = table.flatMap(({ keys }) => keys.map(formatKeys)).join(" ");
    expect(written.match(/\b(arrow|mod|escape|enter|home|end|backspace)/g)).toBeNull();
  });

  it("is written in docs/page.md", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/page.md"), "utf8");
    const [, written] = page.split(/<!-- shortcuts:(?:begin|end) -->/);
    expect(written?.trim()).toBe(markdown);
  });

  it("tells the palette's key from the letter", () => {
    expect(matchesKeys(press("k", { ctrlKey: true }), "mod+k")).toBe(true);
    expect(matchesKeys(press("k", { ctrlKey: true }), "k")).toBe(false);
    expect(matchesKeys(press("k"), "mod+k")).toBe(false);
  });
});
