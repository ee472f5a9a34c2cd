/** Choices about the page itself, kept in this browser. */

import { create } from "zustand";
import { isRecord, readStored, writeStored } from "@/lib/storage";
import { readSampling, type SamplingChoice, USUAL_SAMPLING } from "./sampling";

export type Theme = "system" | "light" | "dark";

interface Prefs {
  /** Tokens that Generate asks for. */
  newTokens: number;
  /** How it chooses them. */
  sampling: SamplingChoice;
  detailsWidth: number;
  detailsOpen: boolean;
  dockOpen: boolean;
  dockHeight: number;
  /** Shortcuts of one plain letter can be switched off (WCAG 2.1.4). */
  letterKeys: boolean;
  /** The first-visit guidance was dismissed. */
  guided: boolean;
  /** Prompts that were traced, newest first. */
  recent: readonly string[];
}

const KEY = "lmd.prefs";
const THEME_KEY = "lmd.theme";
const MAX_RECENT = 8;

const defaults: Prefs = {
  newTokens: 10,
  sampling: USUAL_SAMPLING,
  detailsWidth: 348,
  detailsOpen: true,
  dockOpen: typeof matchMedia !== "function" || matchMedia("(min-width: 701px)").matches,
  dockHeight: 176,
  letterKeys: true,
  guided: false,
  recent: [],
};

function read(): Prefs {
  const stored = readStored(KEY);
  if (!isRecord(stored)) return defaults;
  const same = Object.entries(defaults).map(([key, value]) => {
    const found = stored[key];
    return [key, typeof found === typeof value ? found : value];
  });
  const prefs = Object.fromEntries(same) as unknown as Prefs;
  const recent = Array.isArray(prefs.recent) ? prefs.recent : [];
  const sampling = readSampling(stored.sampling);
  return {
    ...prefs,
    sampling,
    recent: recent.filter((text): text is string => typeof text === "string"),
  };
}

function readTheme(): Theme {
  try {
    const theme = localStorage.getItem(THEME_KEY);
    return theme === "light" || theme === "dark" ? theme : "system";
  } catch {
    return "system";
  }
}

interface PrefsState extends Prefs {
  theme: Theme;
  set(prefs: Partial<Prefs>): void;
  setTheme(theme: Theme): void;
  remember(prompt: string): void;
}

export const usePrefs = create<PrefsState>()((set, get) => ({
  ...read(),
  theme: readTheme(),
  set: (prefs) => {
    set(prefs);
    const { theme: _t, set: _s, setTheme: _st, remember: _r, ...kept } = get();
    writeStored(KEY, kept);
  },
  setTheme: (theme) => {
    set({ theme });
    try {
      // Plain text, not JSON: public/theme.js reads it before anything else runs.
      localStorage.setItem(THEME_KEY, theme);
    } catch {
      // Storage is blocked: the choice lasts until the page is closed.
    }
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  },
  remember: (prompt) => {
    if (prompt.trim() === "" || prompt.length > 4_000) return;
    const others = get().recent.filter((text) => text !== prompt);
    get().set({ recent: [prompt, ...others].slice(0, MAX_RECENT) });
  },
}));
