/**
 * Runs as files: made from the page's state, and read back piece by piece. Pure.
 *
 * The server's `runs/schema.py` has the format. What is under `page` is this page's own: cards that
 * are switched off, groups, and what was in sight. It is used only while `interventions` are those
 * that it was written with: whoever edits them by hand means them.
 */

import type { InterventionIn, RunFile } from "@/api/types";
import { isRecord } from "@/lib/storage";
import type { ValueRef } from "@/lib/values";
import { digest, readEdits, readIntervention } from "@/state/codec";
import { type Edits, MAX_CARDS } from "@/state/interventions";
import { type Names, readNames } from "@/state/names";
import { readPanel } from "@/state/panels";
import { isIndex, readReading, readRef, readTokens } from "@/state/read";
import { readSampling, type SamplingChoice, samplingForWire } from "@/state/sampling";
import type { Generate, Place, Reading } from "@/state/session";

export const FORMAT = "lm-debugger-run";
export const VERSION = 1;
/** A run is a prompt and some edits: what is larger is something else. */
export const MAX_BYTES = 1_000_000;
export const TOO_LARGE = "It is larger than 1 MB: neither runs nor names are that long.";

export interface Run {
  model: string;
  prompt: string;
  position: number | null;
  edits: Edits;
  names: Names;
  generate: Partial<Generate>;
  selection: ValueRef | null;
  reading: Reading;
  panel: string;
  tokens: readonly number[];
  /** What could not be read and was left out, in words. */
  leftOut: readonly string[];
}

export interface Working extends Omit<Place, "model" | "prompt"> {
  model: string;
  prompt: string;
  edits: Edits;
  /** Those in force, as they are sent. */
  inForce: readonly InterventionIn[];
  names: Names;
  generate: Generate;
}

export const makeRun = (now: Working): RunFile => ({
  format: FORMAT,
  version: VERSION,
  model: now.model,
  prompt: now.prompt,
  position: now.position,
  interventions: [...now.inForce],
  names: { ...now.names },
  max_new_tokens: now.generate.newTokens,
  sampling: samplingForWire(now.generate.sampling),
  page: {
    made_with: digest(now.inForce),
    cards: now.edits.interventions,
    groups: now.edits.groups,
    reading: now.reading,
    panel: now.panel,
    selection: now.selection,
    tokens: now.tokens,
    sampling: now.generate.sampling,
  },
});

/** The file's value as the page's JSON, or the sentence that says why it is none. */
export function parseFile(text: string): { value: Record<string, unknown> } | { problem: string } {
  if (text.length > MAX_BYTES) return { problem: TOO_LARGE };
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return { problem: "It is not JSON, or it broke off." };
  }
  return isRecord(value)
    ? { value }
    : { problem: `It is no run: it does not say "format": "${FORMAT}".` };
}

/** A run, or the sentence that says what is wrong with it. Of a readable run bad pieces are left out. */
export function readRun(value: Record<string, unknown>): { run: Run } | { problem: string } {
  if (value.format !== FORMAT)
    return { problem: `It is no run: it does not say "format": "${FORMAT}".` };
  if (typeof value.version === "number" && value.version > VERSION)
    return {
      problem: `It is a run of version ${value.version}, written by a newer LM-Debugger; this one reads version ${VERSION}.`,
    };
  if (value.version !== VERSION) return { problem: "It does not say which version of runs it is." };
  if (typeof value.prompt !== "string") return { problem: "It has no prompt." };
  if (typeof value.model !== "string" || value.model === "")
    return { problem: "It does not say which model it was made with." };
  const leftOut: string[] = [];
  const page = isRecord(value.page) ? value.page : {};
  return {
    run: {
      model: value.model,
      prompt: value.prompt,
      position: readPosition(value.position, leftOut),
      edits: readInForce(value.interventions, page, leftOut),
      names: readNames(value.names),
      generate: readGenerate(value.max_new_tokens, value.sampling, page.sampling),
      selection: readRef(page.selection),
      reading: readReading(page.reading),
      panel: readPanel(page.panel),
      tokens: readTokens(page.tokens),
      leftOut,
    },
  };
}

function readPosition(value: unknown, leftOut: string[]): number | null {
  if (isIndex(value)) return value;
  // The last token is where the page begins; how many there are is not known yet.
  if (value !== null && value !== undefined && value !== -1)
    leftOut.push("its position, which is not counted from the beginning");
  return null;
}

function readInForce(value: unknown, page: Record<string, unknown>, leftOut: string[]): Edits {
  const listed = Array.isArray(value) ? value : [];
  const read = listed.map(readIntervention);
  const good = read.flatMap((item) => item ?? []);
  if (read.length > good.length)
    leftOut.push(`${read.length - good.length} of its ${read.length} interventions`);
  if (good.length > MAX_CARDS) leftOut.push(`all interventions after the first ${MAX_CARDS}`);
  const untouched = read.length === good.length && page.made_with === digest(good);
  if (untouched) return readEdits(page.cards, page.groups);
  if (page.made_with !== undefined)
    leftOut.push("groups and switched-off cards, as its interventions were changed by hand");
  return readEdits(
    good.map((item) => ({ ...item, enabled: true, group: null })),
    [],
  );
}

function readGenerate(newTokens: unknown, sampling: unknown, own: unknown): Partial<Generate> {
  return {
    ...(isIndex(newTokens) && newTokens > 0 ? { newTokens } : {}),
    ...(isRecord(sampling) ? { sampling: readAsked(sampling, own) } : {}),
  };
}

/** As requests have it; where it is greedy, the page's own keeps the numbers for the next time. */
function readAsked(sampling: Record<string, unknown>, own: unknown): SamplingChoice {
  const { temperature = 0, top_p: topP, seed } = sampling;
  if (temperature === 0) return { ...readSampling(own), sample: false };
  return readSampling({ sample: true, temperature, topP, seed });
}
