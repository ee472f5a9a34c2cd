/**
 * What the person is working on: model, prompt, interventions, position, selection.
 *
 * `draft` is the text in the prompt box, `prompt` the one that was last sent to be traced. Nothing
 * from the server is in here. `storage.ts` keeps it over reloads, `sync.ts` in the address bar.
 */

import { create } from "zustand";
import type { ValueRef } from "@/lib/values";
import { type Change, reduce } from "./edits";
import { amend, commit, type History, redo, startHistory, undo } from "./history";
import { type Edits, type Group, type Intervention, NO_EDITS } from "./interventions";
import { usePrefs } from "./prefs";
import type { SamplingChoice } from "./sampling";

export type Reading = "unedited" | "edited" | "difference";
export const READINGS: readonly Reading[] = ["unedited", "edited", "difference"];

/** The panel that the page begins with; `panels.ts` knows the others. */
export const FIRST_PANEL = "layers";
/** As many tokens can be followed as lines can be told apart. */
export const MAX_TOKENS = 8;

/** Where the person is: everything but the edits and the text in the box. */
export interface Place {
  /** null: the server's default. */
  model: string | null;
  /** null: nothing was traced yet. */
  prompt: string | null;
  /** null: the last token. */
  position: number | null;
  selection: ValueRef | null;
  /** Which run the layers show once there are two. */
  reading: Reading;
  /** What stands in the middle of the Trace view, by its id. */
  panel: string;
  /** Ids of the tokens in question: the first is A, the second B in "why A rather than B". */
  tokens: readonly number[];
}

/** How Generate is to go on: kept with the page's preferences, and a part of runs. */
export interface Generate {
  newTokens: number;
  sampling: SamplingChoice;
}

/**
 * What undo goes back to. A step into another epoch (an example or a run was loaded) takes along what
 * was in the box and where the person was; `place` is null until such a step was taken.
 */
export interface Snapshot extends Edits {
  draft: string;
  epoch: number;
  place: (Place & { generate: Generate }) | null;
}

export interface SessionState extends Place {
  draft: string;
  history: History<Snapshot>;
  /** Interventions of the models that the person left, by model: a vector's number means something
   * else in another model. */
  shelf: Readonly<Record<string, Edits>>;
}

/** What an example, a run or generated text brings; what it leaves unsaid begins anew or stays. */
export interface Workspace extends Partial<Omit<Place, "prompt">> {
  prompt: string;
  interventions: readonly Intervention[];
  groups?: readonly Group[];
  generate?: Generate;
}

interface SessionActions {
  /** `from`: the present model, where it is the server's default. */
  setModel(model: string, from: string | null): void;
  setDraft(draft: string): void;
  trace(text?: string): void;
  setPosition(position: number | null): void;
  change(change: Change, stream?: string): void;
  /** A look at a group, not a change: undo neither brings it back nor takes it away. */
  fold(id: number, folded: boolean): void;
  undo(): void;
  redo(): void;
  select(selection: ValueRef | null): void;
  setReading(reading: Reading): void;
  setPanel(panel: string): void;
  setTokens(tokens: readonly number[]): void;
  /** Prompt and interventions together (an example, a run); one undo brings everything back. */
  load(workspace: Workspace): void;
  /** Everything at once (a reload, a link, Back). */
  restore(state: Partial<SessionState>): void;
}

export const initialSession: SessionState = {
  model: null,
  draft: "",
  prompt: null,
  position: null,
  history: startHistory<Snapshot>({ ...NO_EDITS, draft: "", epoch: 0, place: null }),
  selection: null,
  reading: "edited",
  panel: FIRST_PANEL,
  tokens: [],
  shelf: {},
};

export const placeOf = (state: SessionState): Place => {
  const { model, prompt, position, selection, reading, panel, tokens } = state;
  return { model, prompt, position, selection, reading, panel, tokens };
};

/** The present snapshot with the page as it is now, so that nothing is lost by a step. */
function pinned(state: SessionState): History<Snapshot> {
  const { newTokens, sampling } = usePrefs.getState();
  const place = { ...placeOf(state), generate: { newTokens, sampling } };
  return { ...state.history, present: { ...state.history.present, draft: state.draft, place } };
}

/** The shelf once the present model's interventions are on it. */
export const shelved = (state: SessionState, model = state.model): SessionState["shelf"] => {
  if (model === null) return state.shelf;
  const { interventions, groups } = state.history.present;
  return { ...state.shelf, [model]: { interventions, groups } };
};

const nextEpoch = ({ past, present }: History<Snapshot>): number =>
  Math.max(...[...past, present].map((step) => step.epoch)) + 1;

/** Another model, with the interventions that it had when it was left. */
function switchTo(state: SessionState, model: string, from: string | null): Partial<SessionState> {
  const left = state.model ?? from;
  if (model === left) return { model };
  const before = pinned({ ...state, model: left });
  const after: Snapshot = {
    ...(state.shelf[model] ?? NO_EDITS),
    draft: state.draft,
    epoch: nextEpoch(before),
    place: null,
  };
  const shelf = shelved(state, left);
  return { model, selection: null, tokens: [], shelf, history: commit(before, after) };
}

/** A step of undo or redo, with what it brings back. */
function travel(
  state: SessionState,
  move: (history: History<Snapshot>) => History<Snapshot>,
): Partial<SessionState> {
  const from = pinned(state);
  const history = move(from);
  if (history === from) return {};
  const { draft, epoch, place } = history.present;
  if (epoch === from.present.epoch || place === null) return { history };
  const { generate, ...back } = place;
  usePrefs.getState().set(generate);
  // What was typed and not yet traced is traced: it would be dimmed for ever otherwise.
  const prompt = draft === "" ? null : draft;
  return {
    ...back,
    ...(back.model === state.model ? {} : { shelf: shelved(state) }),
    history,
    draft,
    prompt,
    position: prompt === back.prompt ? back.position : null,
  };
}

export const useSession = create<SessionState & SessionActions>()((set) => ({
  ...initialSession,
  setModel: (model, from) => set((state) => switchTo(state, model, from)),
  setDraft: (draft) => set({ draft }),
  trace: (text) =>
    set((state) => {
      const prompt = text ?? state.draft;
      return { draft: prompt, prompt, position: prompt === state.prompt ? state.position : null };
    }),
  setPosition: (position) => set({ position }),
  change: (change, stream) =>
    set(({ history }) => {
      const next = reduce(history.present, change);
      if (next === history.present) return {};
      const present = { ...history.present, ...next };
      return { history: commit(history, present, stream ?? null) };
    }),
  fold: (id, folded) =>
    set(({ history }) => ({
      history: amend(history, (snapshot) => ({
        ...snapshot,
        ...reduce(snapshot, { type: "updateGroup", id, patch: { folded } }),
      })),
    })),
  undo: () => set((state) => travel(state, undo)),
  redo: () => set((state) => travel(state, redo)),
  select: (selection) => set({ selection }),
  setReading: (reading) => set({ reading }),
  setPanel: (panel) => set({ panel }),
  setTokens: (tokens) => set({ tokens: [...new Set(tokens)].slice(0, MAX_TOKENS) }),
  load: ({ prompt, interventions, groups, generate, ...place }) =>
    set((state) => {
      const before = pinned(state);
      const after: Snapshot = {
        ...reduce(NO_EDITS, { type: "replace", list: interventions, groups: groups ?? [] }),
        draft: prompt,
        epoch: nextEpoch(before),
        place: null,
      };
      const model = place.model ?? state.model;
      if (generate) usePrefs.getState().set(generate);
      return {
        position: null,
        selection: null,
        ...(model === state.model ? {} : { tokens: [], shelf: shelved(state) }),
        ...place,
        model,
        draft: prompt,
        prompt,
        history: commit(before, after),
      };
    }),
  restore: (state) => set(state),
}));

export const interventionsOf = (state: SessionState): readonly Intervention[] =>
  state.history.present.interventions;

/** Interventions and groups: what `forWire` needs. */
export const editsOf = (state: SessionState): Edits => state.history.present;
