/** What was generated, as text to read and as a table of tokens and probabilities. */

import type { Cell } from "@/lib/csv";
import { toCsv } from "@/lib/csv";
import type { GenerationRun, Question, Side } from "@/state/generation";
import { describeSampling } from "@/state/sampling";

export type Runs = Partial<Record<Side, GenerationRun>>;

const SIDES: readonly Side[] = ["unedited", "edited"];

const present = (runs: Runs): [Side, GenerationRun][] =>
  SIDES.flatMap((side) => (runs[side] ? [[side, runs[side]]] : []));

/** Each text under its name and what it was made with. */
export function asText(question: Question, runs: Runs): string {
  const made = `${question.model}, ${describeSampling(question.sampling)}`;
  return present(runs)
    .map(([side, run]) => `# ${side} (${made})\n${run.text ?? question.prompt}\n`)
    .join("\n");
}

/** One row for each generated token, with the likeliest ones of its step beside it. */
export function asCsv(runs: Runs): string {
  const steps = present(runs).flatMap(([side, run]) => run.steps.map((step) => ({ side, step })));
  const most = Math.max(0, ...steps.map(({ step }) => step.alternatives.length));
  const ranks = Array.from({ length: most }, (_, rank) => rank);
  const head = [
    ...["run", "step", "token id", "token", "bytes", "probability"],
    ...ranks.flatMap((rank) => [`likeliest ${rank + 1}`, `probability ${rank + 1}`]),
  ];
  const rows = steps.map(({ side, step: { index, token, prob, alternatives } }): Cell[] => [
    ...[side, index, token.id, token.text, token.hex ?? null, prob],
    ...ranks.flatMap((rank) => [
      alternatives[rank]?.text ?? null,
      alternatives[rank]?.prob ?? null,
    ]),
  ]);
  return toCsv(head, rows);
}
