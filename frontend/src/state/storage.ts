/** Keeps the session over reloads: prompt, interventions and groups, position, selection, reading. */

import { isRecord, readStored, writeStored } from "@/lib/storage";
import { readEdits } from "./codec";
import { startHistory } from "./history";
import { readPanel } from "./panels";
import { isIndex, readReading, readRef, readTokens } from "./read";
import { placeOf, type SessionState, useSession } from "./session";

const KEY = "lmd.session";

/** The session that this tab, or else this browser, kept; null if there is none. */
export function readSession(): Partial<SessionState> | null {
  const stored = readStored(KEY, "tab") ?? readStored(KEY);
  if (!isRecord(stored) || typeof stored.draft !== "string") return null;
  const edits = readEdits(stored.interventions, stored.groups);
  return {
    model: typeof stored.model === "string" ? stored.model : null,
    draft: stored.draft,
    prompt: typeof stored.prompt === "string" ? stored.prompt : null,
    position: isIndex(stored.position) ? stored.position : null,
    history: startHistory({ ...edits, draft: stored.draft, epoch: 0, place: null }),
    selection: readRef(stored.selection),
    reading: readReading(stored.reading),
    panel: readPanel(stored.panel),
    tokens: readTokens(stored.tokens),
    shelf: readShelf(stored.shelf),
  };
}

function readShelf(value: unknown): SessionState["shelf"] {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([model, edits]) =>
      isRecord(edits) ? [[model, readEdits(edits.interventions, edits.groups)]] : [],
    ),
  );
}

/** Write every change; returns the way to stop. */
export function keepSession(): () => void {
  return useSession.subscribe((state) => {
    const { interventions, groups } = state.history.present;
    const { draft, shelf } = state;
    const kept = { ...placeOf(state), draft, interventions, groups, shelf };
    // The tab's own copy for its reloads; the shared one for the next tab or visit.
    writeStored(KEY, kept, "tab");
    writeStored(KEY, kept);
  });
}
