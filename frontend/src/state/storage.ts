/** Keeps the session over reloads: prompt, interventions, position, selection, reading. */

import { isRecord, readStored, writeStored } from "@/lib/storage";
import type { ValueRef } from "@/lib/values";
import { startHistory } from "./history";
import { type Intervention, KINDS, type Positions, reduce } from "./interventions";
import { MAX_TOKENS, PANELS, READINGS, type SessionState, useSession } from "./session";

const KEY = "lmd.session";

const isIndex = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function readRef(value: unknown): ValueRef | null {
  if (!isRecord(value) || !isIndex(value.layer) || !isIndex(value.dim)) return null;
  return { layer: value.layer, dim: value.dim };
}

function readPositions(value: unknown): Positions {
  if (value === "last") return value;
  return Array.isArray(value) && value.every(Number.isSafeInteger) ? (value as number[]) : "all";
}

function readIntervention(value: unknown): Intervention[] {
  const ref = readRef(value);
  if (!ref || !isRecord(value)) return [];
  const kind = KINDS.find((known) => known === value.kind);
  if (!kind) return [];
  return [
    {
      ...ref,
      kind,
      value: typeof value.value === "number" && Number.isFinite(value.value) ? value.value : 1,
      positions: readPositions(value.positions),
      generated: typeof value.generated === "boolean" ? value.generated : null,
      enabled: value.enabled !== false,
    },
  ];
}

/** The session that this tab, or else this browser, kept; null if there is none. */
export function readSession(): Partial<SessionState> | null {
  const stored = readStored(KEY, "tab") ?? readStored(KEY);
  if (!isRecord(stored) || typeof stored.draft !== "string") return null;
  const list = Array.isArray(stored.interventions) ? stored.interventions : [];
  const interventions = reduce([], { type: "replace", list: list.flatMap(readIntervention) });
  return {
    model: typeof stored.model === "string" ? stored.model : null,
    draft: stored.draft,
    prompt: typeof stored.prompt === "string" ? stored.prompt : null,
    position: isIndex(stored.position) ? stored.position : null,
    history: startHistory({ interventions, draft: stored.draft, epoch: 0 }),
    selection: readRef(stored.selection),
    reading: READINGS.find((known) => known === stored.reading) ?? "edited",
    panel: PANELS.find((known) => known === stored.panel) ?? "layers",
    tokens: (Array.isArray(stored.tokens) ? stored.tokens : [])
      .filter(isIndex)
      .slice(0, MAX_TOKENS),
  };
}

/** Write every change; returns the way to stop. */
export function keepSession(): () => void {
  return useSession.subscribe((state) => {
    const { interventions } = state.history.present;
    const { model, draft, prompt, position, selection, reading, panel, tokens } = state;
    const place = { model, draft, prompt, position, selection, reading, panel, tokens };
    const kept = { ...place, interventions };
    // The tab's own copy for its reloads; the shared one for the next tab or visit.
    writeStored(KEY, kept, "tab");
    writeStored(KEY, kept);
  });
}
