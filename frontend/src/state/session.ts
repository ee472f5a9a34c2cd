/**
 * What the person is working on: model, prompt, interventions, position, selection.
 *
 * `draft` is the text in the prompt box, `prompt` the one that was last sent to be traced. Nothing
 * from the server is in here. `storage.ts` keeps it over reloads, `sync.ts` in the address bar.
 */

import { create } from "zustand";
import type { ValueRef } from "@/lib/values";
import { commit, type History, redo, startHistory, undo } from "./history";
import { type Change, type Intervention, reduce } from "./interventions";

export type Reading = "unedited" | "edited" | "difference";
export const READINGS: readonly Reading[] = ["unedited", "edited", "difference"];

/** What stands in the middle of the prediction view. */
export const PANELS = ["layers", "grid", "why"] as const;
export type Panel = (typeof PANELS)[number];
/** As many tokens can be followed as lines can be told apart. */
export const MAX_TOKENS = 8;

/** What undo goes back to. A step into another epoch (an example was loaded) takes `draft` along. */
export interface Snapshot {
  interventions: readonly Intervention[];
  draft: string;
  epoch: number;
}

export interface SessionState {
  /** null: the server's default. */
  model: string | null;
  draft: string;
  /** null: nothing was traced yet. */
  prompt: string | null;
  /** null: the last token. */
  position: number | null;
  history: History<Snapshot>;
  selection: ValueRef | null;
  /** Which run the layers show once there are two. */
  reading: Reading;
  panel: Panel;
  /** Ids of the tokens in question: the first is A, the second B in "why A rather than B". */
  tokens: readonly number[];
}

export interface Workspace {
  model?: string | null;
  prompt: string;
  interventions: readonly Intervention[];
}

interface SessionActions {
  setModel(model: string): void;
  setDraft(draft: string): void;
  trace(text?: string): void;
  setPosition(position: number | null): void;
  change(change: Change, stream?: string): void;
  undo(): void;
  redo(): void;
  select(selection: ValueRef | null): void;
  setReading(reading: Reading): void;
  setPanel(panel: Panel): void;
  setTokens(tokens: readonly number[]): void;
  /** Prompt and interventions together (an example); one undo brings both back. */
  load(workspace: Workspace): void;
  /** Everything at once (a reload, a link, Back). */
  restore(state: Partial<SessionState>): void;
}

export const initialSession: SessionState = {
  model: null,
  draft: "",
  prompt: null,
  position: null,
  history: startHistory<Snapshot>({ interventions: [], draft: "", epoch: 0 }),
  selection: null,
  reading: "edited",
  panel: "layers",
  tokens: [],
};

/** The present snapshot with the prompt box as it is now, so that nothing typed is lost by a step. */
const pinned = ({ history, draft }: SessionState): History<Snapshot> => ({
  ...history,
  present: { ...history.present, draft },
});

const travel = (
  state: SessionState,
  move: (history: History<Snapshot>) => History<Snapshot>,
): Partial<SessionState> => {
  const from = pinned(state);
  const history = move(from);
  if (history === from) return {};
  const { draft, epoch } = history.present;
  return epoch === from.present.epoch
    ? { history }
    : { history, draft, prompt: draft === "" ? null : draft, position: null };
};

export const useSession = create<SessionState & SessionActions>()((set) => ({
  ...initialSession,
  setModel: (model) => set({ model, selection: null, tokens: [] }),
  setDraft: (draft) => set({ draft }),
  trace: (text) =>
    set((state) => {
      const prompt = text ?? state.draft;
      return { draft: prompt, prompt, position: prompt === state.prompt ? state.position : null };
    }),
  setPosition: (position) => set({ position }),
  change: (change, stream) =>
    set(({ history }) => {
      const next = reduce(history.present.interventions, change);
      if (next === history.present.interventions) return {};
      const present = { ...history.present, interventions: next };
      return { history: commit(history, present, stream ?? null) };
    }),
  undo: () => set((state) => travel(state, undo)),
  redo: () => set((state) => travel(state, redo)),
  select: (selection) => set({ selection }),
  setReading: (reading) => set({ reading }),
  setPanel: (panel) => set({ panel }),
  setTokens: (tokens) => set({ tokens: [...new Set(tokens)].slice(0, MAX_TOKENS) }),
  load: ({ model, prompt, interventions }) =>
    set((state) => {
      const before = pinned(state);
      const after: Snapshot = {
        interventions: reduce([], { type: "replace", list: interventions }),
        draft: prompt,
        epoch: Math.max(...[...before.past, before.present].map((step) => step.epoch)) + 1,
      };
      return {
        model: model ?? state.model,
        draft: prompt,
        prompt,
        position: null,
        selection: null,
        ...(model && model !== state.model ? { tokens: [] } : {}),
        history: commit(before, after),
      };
    }),
  restore: (state) => set(state),
}));

export const interventionsOf = (state: SessionState): readonly Intervention[] =>
  state.history.present.interventions;
