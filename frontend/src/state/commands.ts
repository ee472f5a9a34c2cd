/**
 * Everything that the command palette can do: features add their own commands while they are there.
 *
 * This much is part of the first load; the palette itself is a chunk of its own.
 */

import { useEffect, useLayoutEffect, useRef } from "react";

export const COMMAND_GROUPS = [
  "Value vectors",
  "Actions",
  "View",
  "Examples",
  "Traced before",
  "Model",
  "Search",
] as const;

export interface Command {
  /** No other command has it. A shortcut of the same id does the same. */
  id: string;
  title: string;
  group: (typeof COMMAND_GROUPS)[number];
  /** Other words that find it. */
  words?: string | undefined;
  /** What is said of it, in smaller letters. */
  note?: string | undefined;
  /** Made of what was typed: there whatever else it may be called, after all that is called so. */
  always?: boolean | undefined;
  run(): void;
}

/** Asked when the palette opens. */
export type CommandSource = () => readonly Command[];

const sources = new Set<CommandSource>();

export function provideCommands(source: CommandSource): () => void {
  sources.add(source);
  return () => sources.delete(source);
}

/** For the time that a component is on the page; the source sees its latest props and state. */
export function useCommands(source: CommandSource): void {
  const latest = useRef(source);
  useLayoutEffect(() => {
    latest.current = source;
  });
  useEffect(() => provideCommands(() => latest.current()), []);
}

export const providedCommands = (): Command[] => [...sources].flatMap((source) => source());

/** What a shortcut does that belongs to a feature; false: it cannot be done now. */
export function runCommand(id: string): boolean {
  const command = providedCommands().find((each) => each.id === id);
  command?.run();
  return command !== undefined;
}
