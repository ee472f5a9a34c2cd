/** What several places of the page do in the same way. */

import type { Example } from "@/api/types";
import { valueKey } from "@/lib/values";
import { readInterventions } from "./codec";
import { startHistory } from "./history";
import { useNames } from "./names";
import { useNotice } from "./notice";
import { usePrefs } from "./prefs";
import { useSession } from "./session";

/** Say what was just done, with the way back; after the next step that would undo something else. */
export const offerUndo = (text: string): void =>
  useNotice.getState().show({
    text,
    action: { label: "Undo", run: () => useSession.getState().undo() },
    until: (over) =>
      useSession.subscribe((now, before) => {
        if (now.history !== before.history) over();
      }),
  });

export function tracePrompt(text?: string): void {
  useSession.getState().trace(text);
  usePrefs.getState().remember(useSession.getState().draft);
}

/** Prompt, interventions and names together; what was there before comes back with one undo.
 * `quietly`: for a visitor who asked for nothing, without interventions. */
export function loadExample(example: Example, model: string, quietly = false): void {
  const { draft, prompt, load } = useSession.getState();
  if (draft !== prompt) usePrefs.getState().remember(draft);
  load({
    ...(example.model === null ? {} : { model: example.model }),
    prompt: example.prompt,
    interventions: readInterventions(quietly ? [] : example.interventions),
  });
  const named = example.interventions.flatMap((item) =>
    item.name ? [[valueKey(item), item.name] as const] : [],
  );
  useNames.getState().adopt(example.model ?? model, Object.fromEntries(named));
  if (quietly) {
    // Nobody asked for it, so there is nothing to undo.
    useSession.setState(({ history }) => ({ history: startHistory(history.present) }));
    return;
  }
  offerUndo(`“${example.title}” is loaded.`);
}

/** Generated text becomes the prompt because somebody asked for it; undo gives the old one back. */
export function replacePrompt(text: string, notice: string): void {
  const { history, draft, prompt, load, setPosition } = useSession.getState();
  if (draft !== prompt) usePrefs.getState().remember(draft);
  if (text === draft && text === prompt) {
    setPosition(null);
    return;
  }
  const { interventions, groups } = history.present;
  load({ prompt: text, interventions, groups });
  offerUndo(notice);
}
