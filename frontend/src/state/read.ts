/** What somebody stored, saved or wrote by hand, read piece by piece: a bad piece is left out. */

import { isRecord } from "@/lib/storage";
import { parseValue, type ValueRef } from "@/lib/values";
import { cleanName } from "./names";
import { MAX_TOKENS, READINGS, type Reading } from "./session";

export const isIndex = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

export const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A value vector, by its layer and dimension or by its name as a `node`. */
export function readRef(value: unknown): ValueRef | null {
  if (!isRecord(value)) return null;
  if (typeof value.node === "string") return parseValue(value.node);
  if (!isIndex(value.layer) || !isIndex(value.dim)) return null;
  return { layer: value.layer, dim: value.dim };
}

export const readName = (value: unknown): string =>
  typeof value === "string" ? cleanName(value) : "";

export const readReading = (value: unknown): Reading =>
  READINGS.find((known) => known === value) ?? "edited";

export const readTokens = (value: unknown): number[] =>
  asList(value).filter(isIndex).slice(0, MAX_TOKENS);
