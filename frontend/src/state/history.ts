/** Undo and redo over immutable snapshots. */

export interface History<T> {
  past: readonly T[];
  present: T;
  future: readonly T[];
  /** Names the stream of changes that the last one belongs to: a dragged slider is one step back. */
  stream: string | null;
}

const DEPTH = 100;

export const startHistory = <T>(present: T): History<T> => ({
  past: [],
  present,
  future: [],
  stream: null,
});

export function commit<T>(history: History<T>, next: T, stream: string | null = null): History<T> {
  if (Object.is(next, history.present)) return history;
  const merges = stream !== null && stream === history.stream && history.past.length > 0;
  return {
    past: merges ? history.past : [...history.past, history.present].slice(-DEPTH),
    present: next,
    future: [],
    stream,
  };
}

export function undo<T>(history: History<T>): History<T> {
  const previous = history.past.at(-1);
  if (previous === undefined) return history;
  return {
    past: history.past.slice(0, -1),
    present: previous,
    future: [history.present, ...history.future],
    stream: null,
  };
}

export function redo<T>(history: History<T>): History<T> {
  const next = history.future[0];
  if (next === undefined) return history;
  return {
    past: [...history.past, history.present],
    present: next,
    future: history.future.slice(1),
    stream: null,
  };
}

/** What is no step of its own and holds before and after, such as a folded group. */
export const amend = <T>(history: History<T>, change: (snapshot: T) => T): History<T> => ({
  ...history,
  past: history.past.map(change),
  present: change(history.present),
  future: history.future.map(change),
});
