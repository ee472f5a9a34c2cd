/** One line under the header about something that just happened, with at most one thing to do. */

import { create } from "zustand";

export interface Notice {
  text: string;
  /** With one, the notice stays until it is taken or dismissed; without, a few seconds. */
  action?: { label: string; run(): void };
  /** Calls back once the action is no longer about what the text says; returns how to stop that. */
  until?: (over: () => void) => () => void;
}

interface NoticeState {
  notice: Notice | null;
  show(notice: Notice): void;
  clear(): void;
}

export const useNotice = create<NoticeState>()((set, get) => {
  let unwatch: (() => void) | undefined;
  const put = (notice: Notice | null) => {
    unwatch?.();
    unwatch = notice?.until?.(() => {
      if (get().notice === notice) put(null);
    });
    set({ notice });
  };
  return { notice: null, show: put, clear: () => put(null) };
});
