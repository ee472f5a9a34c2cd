/** Every shortcut of the page. Handlers, the help dialog and the palette come from this table. */

import { useMemo } from "react";
import { type PanelEntry, usePanelList } from "./panels";

export const GROUPS = [
  "Prompt",
  "Generated text",
  "Layers",
  "Grid and chart",
  "Value vectors",
  "Interventions",
  "Page",
] as const;

export interface Shortcut {
  id: string;
  keys: readonly string[];
  does: string;
  group: (typeof GROUPS)[number];
  /** Handled where it happens (a text box, a list), not by the page. */
  local?: true;
}

/** The page's own; those that lead to panels come from the panels. */
const OWN = [
  {
    id: "trace",
    keys: ["enter"],
    does: "Trace the prompt (in its box)",
    group: "Prompt",
    local: true,
  },
  {
    id: "newline",
    keys: ["shift+enter"],
    does: "New line in the prompt",
    group: "Prompt",
    local: true,
  },
  { id: "generate", keys: ["mod+enter"], does: "Generate", group: "Prompt" },
  { id: "prompt", keys: ["/"], does: "Go to the prompt or search box", group: "Prompt" },
  { id: "earlier", keys: ["["], does: "Trace one token earlier", group: "Prompt" },
  { id: "later", keys: ["]"], does: "Trace one token later", group: "Prompt" },
  {
    id: "strip",
    keys: ["arrowleft", "arrowright"],
    does: "Walk through the prompt’s tokens; Enter traces there",
    group: "Prompt",
    local: true,
  },
  {
    id: "generated",
    keys: ["arrowleft", "arrowright"],
    does: "Walk through generated tokens and what was likely",
    group: "Generated text",
    local: true,
  },
  {
    id: "generatedActions",
    keys: ["enter"],
    does: "Trace, or continue, at that token",
    group: "Generated text",
    local: true,
  },
  { id: "next", keys: ["j"], does: "Next layer, or vector on its page", group: "Layers" },
  { id: "previous", keys: ["k"], does: "Previous layer, or vector", group: "Layers" },
  {
    id: "walk",
    keys: ["arrowup", "arrowdown"],
    does: "Walk through sub-updates, tokens or results",
    group: "Layers",
    local: true,
  },
  {
    id: "across",
    keys: ["arrowleft", "arrowright"],
    does: "To the column beside it, to follow a token there",
    group: "Layers",
    local: true,
  },
  { id: "unedited", keys: ["1"], does: "Show the unedited run", group: "Layers" },
  { id: "edited", keys: ["2"], does: "Show the edited run", group: "Layers" },
  { id: "difference", keys: ["3"], does: "Show the difference", group: "Layers" },
  {
    id: "cells",
    keys: ["arrowup", "arrowdown", "arrowleft", "arrowright"],
    does: "Walk through the cells",
    group: "Grid and chart",
    local: true,
  },
  {
    id: "edges",
    keys: ["home", "end"],
    does: "First and last position, or state",
    group: "Grid and chart",
    local: true,
  },
  {
    id: "openCell",
    keys: ["enter"],
    does: "Open that layer in Layers",
    group: "Grid and chart",
    local: true,
  },
  { id: "add", keys: ["i"], does: "Send the vector to Interventions", group: "Value vectors" },
  { id: "open", keys: ["o"], does: "Open the vector’s page", group: "Value vectors" },
  { id: "rename", keys: ["n"], does: "Rename the selected vector", group: "Value vectors" },
  { id: "vector", keys: ["l"], does: "Type a vector to change", group: "Interventions" },
  {
    id: "reset",
    keys: ["backspace"],
    does: "On a slider: back to no change",
    group: "Interventions",
    local: true,
  },
  {
    id: "move",
    keys: ["alt+arrowup", "alt+arrowdown"],
    does: "Move a card or a group",
    group: "Interventions",
    local: true,
  },
  { id: "undo", keys: ["mod+z"], does: "Undo", group: "Interventions" },
  { id: "redo", keys: ["mod+shift+z"], does: "Redo", group: "Interventions" },
  { id: "palette", keys: ["mod+k"], does: "Find a command, vector or example", group: "Page" },
  { id: "share.save", keys: ["mod+s"], does: "Save the run", group: "Page" },
  { id: "share.open", keys: ["mod+o"], does: "Open a run", group: "Page" },
  { id: "viewTrace", keys: ["t"], does: "Trace view", group: "Page" },
  { id: "viewExplore", keys: ["e"], does: "Explore view", group: "Page" },
  {
    id: "close",
    keys: ["escape"],
    does: "Stop generating, or close what is open",
    group: "Page",
  },
  { id: "help", keys: ["?"], does: "This list", group: "Page" },
] as const satisfies readonly Shortcut[];

type Entry = (typeof OWN)[number];
/** Those that the page handles itself. */
export type ShortcutId = Exclude<Entry, { local: true }>["id"];

/** After which shortcut those of the panels stand. */
const AFTER: Record<PanelEntry["place"], Entry["id"]> = {
  layer: "across",
  trace: "difference",
  explore: "viewExplore",
};

export const panelCommand = ({ id }: PanelEntry): string => `panel-${id}`;

const ofPanel = (panel: PanelEntry): Shortcut[] =>
  panel.key === undefined
    ? []
    : [
        {
          id: panelCommand(panel),
          keys: [panel.key],
          does: panel.does,
          group: panel.place === "explore" ? "Page" : "Layers",
        },
      ];

export const shortcutsWith = (panels: readonly PanelEntry[]): readonly Shortcut[] =>
  OWN.flatMap((entry): Shortcut[] => [
    entry,
    ...panels.filter(({ place }) => AFTER[place] === entry.id).flatMap(ofPanel),
  ]);

/** With those of the panels that the present model has. */
export function useShortcutTable(): readonly Shortcut[] {
  const panels = usePanelList();
  return useMemo(() => shortcutsWith(panels), [panels]);
}
