/** Runs the shortcuts of the table for the whole page. */

import { useEffect, useEffectEvent } from "react";
import { ADD_ID, PROMPT_ID, SEARCH_ID } from "@/lib/ids";
import { isTyping, matchesKeys } from "@/lib/keys";
import { parseValue, stepValue } from "@/lib/values";
import { runCommand, useCommands } from "./commands";
import { useExplore } from "./explore";
import { isRunning, useGeneration } from "./generation";
import { isKeyboardHeld } from "./keyboard";
import { stepLayer, toggleOver } from "./layers";
import { useReadyModel } from "./model";
import { useNotice } from "./notice";
import { type PanelEntry, usePanelList } from "./panels";
import { usePrefs } from "./prefs";
import { useSession } from "./session";
import { panelCommand, type ShortcutId, useShortcutTable } from "./shortcuts";
import { currentView, follow } from "./sync";
import { useTrace } from "./trace";
import { valuePath } from "./url";
import { useGenerate } from "./useGenerate";

const focus = (id: string) => document.getElementById(id)?.focus();

const onValuePage = () => currentView() === "explore" && useExplore.getState().page === "value";

/** The prompt box, or the search box of Explore. */
function focusMainBox() {
  if (currentView() === "trace") return focus(PROMPT_ID);
  if (useExplore.getState().page !== "search") follow("/explore/search");
  requestAnimationFrame(() => focus(SEARCH_ID));
}

/** The vector under the keyboard's focus, else the selected one. */
function vectorAtHand() {
  const here = document.activeElement?.closest<HTMLElement>("[data-value]");
  return parseValue(here?.dataset.value ?? "") ?? useSession.getState().selection;
}

function openPanel({ id, place }: PanelEntry) {
  if (place === "layer") return toggleOver(id);
  if (place === "explore") return follow(`/explore/${id}`);
  useSession.getState().setPanel(id);
  follow("/trace");
}

const isOpenable = (panel: PanelEntry): boolean =>
  panel.place !== "explore" || (panel.when?.() ?? true);

interface Openers {
  onHelp(): void;
  onPalette(): void;
}

/** No commands of this table: panels have them, and the palette need not find itself. */
const OTHERS = ["share.save", "share.open", "rename", "palette"];

export function useShortcuts({ onHelp, onPalette }: Openers): void {
  const generate = useGenerate();
  const panels = usePanelList();
  const table = useShortcutTable();
  const model = useReadyModel();
  const { reply } = useTrace();
  const session = useSession.getState;

  const stepPosition = (step: number) => {
    if (!reply) return;
    const last = reply.tokens.length - 1;
    const next = (session().position ?? last) + step;
    if (next >= 0 && next <= last) session().setPosition(next === last ? null : next);
  };

  const step = (by: 1 | -1) => {
    if (!onValuePage()) return stepLayer(by, model?.n_layers ?? 1);
    const { selection } = session();
    const next = selection && model ? stepValue(selection, by, model) : null;
    if (next) session().select(next);
  };

  const own: Record<ShortcutId, () => void> = {
    generate: () => generate?.(),
    prompt: focusMainBox,
    earlier: () => stepPosition(-1),
    later: () => stepPosition(1),
    next: () => step(1),
    previous: () => step(-1),
    unedited: () => session().setReading("unedited"),
    edited: () => session().setReading("edited"),
    difference: () => session().setReading("difference"),
    add: () => {
      const ref = vectorAtHand();
      if (ref) session().change({ type: "add", ref });
    },
    open: () => {
      const ref = vectorAtHand();
      if (ref) follow(valuePath(ref));
    },
    rename: () => runCommand("rename"),
    close: () => {
      if (isRunning(useGeneration.getState())) useGeneration.getState().stop();
      else if (!onValuePage()) session().select(null);
    },
    vector: () => focus(ADD_ID),
    undo: () => session().undo(),
    redo: () => session().redo(),
    viewTrace: () => follow("/trace"),
    viewExplore: () => follow("/explore"),
    "share.save": () => {
      if (!runCommand("share.save"))
        useNotice.getState().show({ text: "There is nothing to save yet: trace a prompt first." });
    },
    "share.open": () => runCommand("share.open"),
    palette: onPalette,
    help: onHelp,
  };
  const ofPanels = panels.map((panel) => [panelCommand(panel), () => openPanel(panel)]);
  const handlers: Record<string, () => void> = { ...own, ...Object.fromEntries(ofPanels) };

  useCommands(() =>
    [
      ...table
        .filter((entry) => !entry.local && !OTHERS.includes(entry.id))
        .map(({ id, does, group }) => ({
          id,
          title: does,
          words: group,
          group: "Actions" as const,
        })),
      // Not every panel has a key.
      ...panels
        .filter((panel) => panel.key === undefined && isOpenable(panel))
        .map((panel) => ({
          id: panelCommand(panel),
          title: panel.does,
          words: panel.label,
          group: panel.place === "explore" ? ("View" as const) : ("Actions" as const),
        })),
    ].map((command) => ({ ...command, run: () => handlers[command.id]?.() })),
  );

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (isKeyboardHeld()) return;
    const found = table.find(
      (entry) => !entry.local && entry.keys.some((keys) => matchesKeys(event, keys)),
    );
    const keys = found?.keys[0] ?? "";
    const typing = isTyping(event.target);
    const plain = !keys.includes("mod") && keys !== "escape";
    if (!found || (plain && (typing || !usePrefs.getState().letterKeys))) return;
    // A text box undoes its own typing first.
    if (typing && (found.id === "undo" || found.id === "redo")) return;
    if (keys !== "escape") event.preventDefault();
    handlers[found.id]?.();
  });

  useEffect(() => {
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
