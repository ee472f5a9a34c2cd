/** Which dialog of sharing is open. The dialogs themselves, and all that they do, are a later chunk. */

import { create } from "zustand";
import type { Names } from "@/state/names";
import type { Run } from "./runFile";

export type ShareDialog =
  /** The run as a program. */
  | { kind: "code" }
  /** Choose a file or paste its text; `problem` is why the last one could not be opened. */
  | { kind: "open"; problem: { file: string; sentence: string } | null }
  /** A run for a model that is not served here. */
  | { kind: "otherModel"; run: Run; file: string }
  /** Names that are for another model, or that differ from the person's own. */
  | { kind: "names"; model: string; names: Names };

interface ShareState {
  dialog: ShareDialog | null;
  show(dialog: ShareDialog | null): void;
}

export const useShare = create<ShareState>()((set) => ({
  dialog: null,
  show: (dialog) => set({ dialog }),
}));
