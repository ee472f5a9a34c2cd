/** Names of value vectors as files, and what an import does to those that are there. Pure. */

import { isRecord } from "@/lib/storage";
import { type Names, readNames } from "@/state/names";

export const FORMAT = "lm-debugger-names";
export const VERSION = 1;

export interface NamesFile {
  format: typeof FORMAT;
  version: typeof VERSION;
  model: string;
  names: Names;
}

export const makeNames = (model: string, names: Names): NamesFile => ({
  format: FORMAT,
  version: VERSION,
  model,
  names,
});

/** The names in a file, or the sentence that says what is wrong with it. */
export function readNamesFile(
  value: Record<string, unknown>,
): { model: string; names: Names } | { problem: string } {
  if (typeof value.version === "number" && value.version > VERSION)
    return {
      problem: `These names are of version ${value.version}, written by a newer LM-Debugger; this one reads version ${VERSION}.`,
    };
  if (typeof value.model !== "string" || value.model === "")
    return { problem: "It does not say which model its names are for." };
  if (!isRecord(value.names)) return { problem: "It holds no names." };
  const names = readNames(value.names);
  if (Object.keys(names).length === 0)
    return { problem: "It holds no name that belongs to a vector, such as L1D2." };
  return { model: value.model, names };
}

export interface Merge {
  added: number;
  same: number;
  /** Vectors that both name, each otherwise. */
  differing: number;
  /** All names, where the person's own stay; and where the file's take their place. */
  keepingMine: Names;
  takingTheirs: Names;
}

export function mergeNames(mine: Names, theirs: Names): Merge {
  const keys = Object.keys(theirs);
  const both = keys.filter((key) => key in mine);
  const same = both.filter((key) => mine[key] === theirs[key]).length;
  return {
    added: keys.length - both.length,
    same,
    differing: both.length - same,
    keepingMine: { ...theirs, ...mine },
    takingTheirs: { ...mine, ...theirs },
  };
}

const count = (n: number): string => `${n} name${n === 1 ? "" : "s"}`;

/** What an import did, in a sentence. */
export function describeMerge({ added, same, differing }: Merge, theirs: boolean): string {
  const parts = [
    added > 0 && `${count(added)} added`,
    differing > 0 && `${count(differing)} ${theirs ? "replaced" : "of your own kept"}`,
    same > 0 && `${count(same)} there already`,
  ].filter(Boolean);
  return `${parts.join(", ")}.`;
}
