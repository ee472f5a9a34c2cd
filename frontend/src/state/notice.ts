/** One line under the header about something that just happened, with at most one thing to do. */

import { create } from "zustand";

export interface Notice {
  text: string;
  action?: { label: string; run(): void };
}

interface NoticeState {
  notice: Notice | null;
  show(notice: Notice): void;
  clear(): void;
}

export const useNotice = create<NoticeState>()((set) => ({
  notice: null,
  show: (notice) => set({ notice }),
  clear: () => set({ notice: null }),
}));
