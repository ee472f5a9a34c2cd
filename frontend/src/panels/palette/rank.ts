/** Which commands fit what was typed, the best first. Every word must be found somewhere. */

import { COMMAND_GROUPS, type Command } from "@/state/commands";

export interface Ranked {
  group: Command["group"];
  commands: Command[];
}

const MOST = 60;
const LAST = 9;

/** Case and accents aside. */
const fold = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** How well one word fits: lower is better; null: not at all. */
function closeness(word: string, title: string, words: string): number | null {
  const at = title.indexOf(word);
  if (at === 0) return 0;
  if (at > 0) return /[\p{L}\p{N}]/u.test(title[at - 1] ?? "") ? 2 : 1;
  return words.includes(word) ? 3 : null;
}

function fitOf(wanted: readonly string[], command: Command): number | null {
  if (command.always) return LAST;
  const title = fold(command.title);
  const words = fold([command.words, command.note, command.group].filter(Boolean).join(" "));
  let total = 0;
  for (const word of wanted) {
    const one = closeness(word, title, words);
    if (one === null) return null;
    total += one;
  }
  return wanted.length > 0 ? total / wanted.length : 0;
}

/** The group with the best fit first; what fits equally well keeps its order. */
export function rank(commands: readonly Command[], typed: string): Ranked[] {
  const wanted = fold(typed).split(/\s+/).filter(Boolean);
  const found = commands
    .flatMap((command) => {
      const fits = fitOf(wanted, command);
      return fits === null ? [] : [{ command, fits }];
    })
    .sort((a, b) => a.fits - b.fits)
    .slice(0, MOST);
  return COMMAND_GROUPS.map((group) => found.filter(({ command }) => command.group === group))
    .filter((members) => members.length > 0)
    .sort((a, b) => (a[0]?.fits ?? 0) - (b[0]?.fits ?? 0))
    .map((members) => ({
      group: (members[0] as { command: Command }).command.group,
      commands: members.map(({ command }) => command),
    }));
}
