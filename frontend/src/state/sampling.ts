/** How Generate chooses its tokens: the likeliest one, or drawn by chance with a seed. Pure. */

import type { Sampling } from "@/api/types";
import { isRecord } from "@/lib/storage";

export interface SamplingChoice {
  /** false: greedy; the numbers below are kept for the next time. */
  sample: boolean;
  temperature: number;
  topP: number;
  seed: number;
}

export const USUAL_SAMPLING: SamplingChoice = { sample: false, temperature: 1, topP: 1, seed: 0 };

/** The server's own limits, but for the seed: beyond this a JavaScript number is no longer exact. */
export const MAX_TEMPERATURE = 10;
export const MAX_SEED = Number.MAX_SAFE_INTEGER;
/** Seeds that the page makes up are short enough to be read out. */
const NEW_SEEDS = 1_000_000;

export type Field = "temperature" | "topP" | "seed";

const allowed: Record<Field, (value: number) => boolean> = {
  temperature: (value) => value > 0 && value <= MAX_TEMPERATURE,
  topP: (value) => value > 0 && value <= 1,
  seed: (value) => Number.isInteger(value) && value >= 0 && value <= MAX_SEED,
};

const SENTENCES: Record<Field, string> = {
  temperature: `The temperature is a number above 0, up to ${MAX_TEMPERATURE}. Without chance: Greedy.`,
  topP: "Top-p is a number above 0, up to 1. 1 leaves all tokens in.",
  seed: `The seed is a whole number from 0 to ${MAX_SEED}.`,
};

/** What a person typed, as a number that can be used or as the sentence that says what can. */
export function checkField(
  field: Field,
  text: string,
): { value: number; problem: null } | { value: null; problem: string } {
  const value = text.trim() === "" ? Number.NaN : Number(text.replace(",", "."));
  return allowed[field](value)
    ? { value, problem: null }
    : { value: null, problem: SENTENCES[field] };
}

export const newSeed = (): number => Math.floor(Math.random() * NEW_SEEDS);

/** Whatever was stored, as a choice whose every part can be used. */
export function readSampling(stored: unknown): SamplingChoice {
  if (!isRecord(stored)) return USUAL_SAMPLING;
  const number = (field: Field) => {
    const value = stored[field];
    return typeof value === "number" && allowed[field](value) ? value : USUAL_SAMPLING[field];
  };
  return {
    sample: stored.sample === true,
    temperature: number("temperature"),
    topP: number("topP"),
    seed: number("seed"),
  };
}

/** As requests and run files have it. */
export const samplingForWire = ({
  sample,
  temperature,
  topP,
  seed,
}: SamplingChoice): Required<Sampling> =>
  sample ? { temperature, top_p: topP, seed } : { temperature: 0, top_p: 1, seed: 0 };

export const describeSampling = ({ temperature, top_p, seed }: Required<Sampling>): string =>
  temperature === 0 ? "greedy" : `temperature ${temperature}, top-p ${top_p}, seed ${seed}`;
