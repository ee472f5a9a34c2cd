/** What people call value vectors, per model, kept in this browser. Plain text, never markup. */

import { create } from "zustand";
import { isRecord, readStored, writeStored } from "@/lib/storage";
import { parseValue, type ValueRef, valueKey } from "@/lib/values";

export type Names = Readonly<Record<string, string>>;
export const MAX_NAME = 80;

const PREFIX = "lmd.names.";
const NONE: Names = Object.freeze({});

/** Line breaks would tear a chip apart; everything else a person types is kept as it is. */
export const cleanName = (text: string): string =>
  [...text.replace(/[\s\p{Cc}]+/gu, " ").trim()].slice(0, MAX_NAME).join("");

/** Names in what somebody stored, saved or wrote; whatever is none is left out. */
export function readNames(value: unknown): Names {
  if (!isRecord(value)) return NONE;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, name]) => {
      const ref = parseValue(key);
      const clean = typeof name === "string" ? cleanName(name) : "";
      return ref && clean ? [[valueKey(ref), clean]] : [];
    }),
  );
}

const read = (model: string): Names => readNames(readStored(PREFIX + model));

/** Those of some vectors, such as a link or a file carries them. */
export const namesFor = (names: Names, refs: readonly ValueRef[]): Names =>
  Object.fromEntries(
    refs.map(valueKey).flatMap((key) => (names[key] ? [[key, cleanName(names[key])]] : [])),
  );

interface NamesState {
  byModel: Readonly<Record<string, Names>>;
  open(model: string): Names;
  /** An empty name takes the name away. */
  rename(model: string, ref: ValueRef, name: string): void;
  /** Names that came with an example or a link; a person's own names stay. */
  adopt(model: string, names: Names): void;
  /** All of a model's names at once: an import, or the way back from one. */
  put(model: string, names: Names): void;
  /** The same for a link that leaves the model to the server's default, not known yet. */
  adoptLater(names: Names): void;
}

export const useNames = create<NamesState>()((set, get) => {
  let waiting: Names = NONE;
  const write = (model: string, names: Names) => {
    set(({ byModel }) => ({ byModel: { ...byModel, [model]: names } }));
    writeStored(PREFIX + model, Object.keys(names).length > 0 ? names : null);
  };
  return {
    byModel: {},
    open: (model) => {
      let names = get().byModel[model];
      if (!names) {
        names = read(model);
        set({ byModel: { ...get().byModel, [model]: names } });
      }
      const arrived = waiting;
      waiting = NONE;
      get().adopt(model, arrived);
      return get().byModel[model] ?? names;
    },
    rename: (model, ref, name) => {
      const { [valueKey(ref)]: _, ...others } = get().open(model);
      const clean = cleanName(name);
      write(model, clean ? { ...others, [valueKey(ref)]: clean } : others);
    },
    adopt: (model, names) => {
      const clean = readNames(names);
      if (Object.keys(clean).length > 0) write(model, { ...clean, ...get().open(model) });
    },
    put: write,
    adoptLater: (names) => {
      waiting = names;
    },
  };
});

/** Another tab renamed something. */
export function followOtherTabs(): () => void {
  const onStorage = ({ key }: StorageEvent) => {
    if (!key?.startsWith(PREFIX)) return;
    const model = key.slice(PREFIX.length);
    useNames.setState(({ byModel }) => ({ byModel: { ...byModel, [model]: read(model) } }));
  };
  window.addEventListener("storage", onStorage);
  return () => window.removeEventListener("storage", onStorage);
}

export const namesOf = (state: NamesState, model: string | null): Names =>
  (model === null ? undefined : state.byModel[model]) ?? NONE;
