/** Every shortcut of the page. The handlers and the help dialog both come from this table. */

export interface Shortcut {
  id: string;
  keys: readonly string[];
  does: string;
  group: "Prompt" | "Layers" | "Value vectors" | "Interventions" | "Page";
  /** Handled where it happens (a text box, a list), not by the page. */
  local?: true;
}

export const SHORTCUTS = [
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
  { id: "next", keys: ["j"], does: "Next layer, or vector on its page", group: "Layers" },
  { id: "previous", keys: ["k"], does: "Previous layer, or vector", group: "Layers" },
  {
    id: "walk",
    keys: ["arrowup", "arrowdown"],
    does: "Walk through sub-updates or results",
    group: "Layers",
    local: true,
  },
  { id: "unedited", keys: ["1"], does: "Show the unedited run", group: "Layers" },
  { id: "edited", keys: ["2"], does: "Show the edited run", group: "Layers" },
  { id: "difference", keys: ["3"], does: "Show the difference", group: "Layers" },
  { id: "add", keys: ["i"], does: "Send the vector to Interventions", group: "Value vectors" },
  { id: "open", keys: ["o"], does: "Open the vector’s page", group: "Value vectors" },
  { id: "rename", keys: ["n"], does: "Rename the selected vector", group: "Value vectors" },
  {
    id: "close",
    keys: ["escape"],
    does: "Stop generating, or close details",
    group: "Value vectors",
  },
  { id: "vector", keys: ["l"], does: "Type a vector to change", group: "Interventions" },
  {
    id: "reset",
    keys: ["backspace"],
    does: "On a slider: back to no change",
    group: "Interventions",
    local: true,
  },
  { id: "undo", keys: ["mod+z"], does: "Undo", group: "Interventions" },
  { id: "redo", keys: ["mod+shift+z"], does: "Redo", group: "Interventions" },
  { id: "viewTrace", keys: ["t"], does: "Trace view", group: "Page" },
  { id: "viewExplore", keys: ["e"], does: "Explore view", group: "Page" },
  { id: "help", keys: ["?"], does: "This list", group: "Page" },
] as const satisfies readonly Shortcut[];

type Entry = (typeof SHORTCUTS)[number];
/** Those that the page handles itself. */
export type ShortcutId = Exclude<Entry, { local: true }>["id"];

export const GROUPS = ["Prompt", "Layers", "Value vectors", "Interventions", "Page"] as const;
