import { describe, expect, it } from "vitest";
import { type Command, provideCommands, providedCommands } from "@/state/commands";
import { rank } from "./rank";

const command = (title: string, more: Partial<Command> = {}): Command => ({
  id: title,
  title,
  group: "Actions",
  run: () => undefined,
  ...more,
});
const titles = (commands: Command[], typed: string) =>
  rank(commands, typed).flatMap(({ group, commands: found }) =>
    found.map(({ title }) => `${group}: ${title}`),
  );

describe("ranking", () => {
  it("puts beginnings first, then beginnings of words, then the rest, then other words", () => {
    const commands = [
      command("Fold", { words: "dark" }),
      command("Semidark"),
      command("Theme dark"),
      command("Dark theme"),
    ];
    expect(titles(commands, "dark")).toEqual([
      "Actions: Dark theme",
      "Actions: Theme dark",
      "Actions: Semidark",
      "Actions: Fold",
    ]);
  });

  it("wants every word, in any order and any case, accents aside", () => {
    const commands = [command("Café tables"), command("Tables")];
    expect(titles(commands, "TABLE cafe")).toEqual(["Actions: Café tables"]);
    expect(titles(commands, "café chair")).toEqual([]);
  });

  it("keeps groups together, the one with the best fit first", () => {
    const commands = [
      command("Go to music"),
      command("Undo music"),
      command("Music hall", { group: "Examples" }),
      command("My music", { group: "Examples" }),
    ];
    expect(titles(commands, "music")).toEqual([
      "Examples: Music hall",
      "Examples: My music",
      "Actions: Go to music",
      "Actions: Undo music",
    ]);
  });

  it("shows all in their order while nothing is typed", () => {
    const commands = [command("B", { group: "View" }), command("Z"), command("A")];
    expect(titles(commands, " ")).toEqual(["Actions: Z", "Actions: A", "View: B"]);
  });

  it("puts what is made of the typed text last, whatever it is called", () => {
    const search = command("Search for “x”", { group: "Search", always: true });
    expect(titles([search, command("The xylophone")], "x")).toEqual([
      "Actions: The xylophone",
      "Search: Search for “x”",
    ]);
    expect(titles([search, command("Trace")], "x")).toEqual(["Search: Search for “x”"]);
  });
});

describe("the registry", () => {
  it("has the commands of a feature while it is there", () => {
    const stop = provideCommands(() => [command("Do it")]);
    expect(providedCommands().map(({ title }) => title)).toEqual(["Do it"]);
    stop();
    expect(providedCommands()).toEqual([]);
  });
});
