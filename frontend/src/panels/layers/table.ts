/**
 * The whole trace as one table: every listed token of every state and every listed sub-update, in
 * both runs. One row for each thing that either run lists:
 *
 * - `layer`, `part`: "before" or "after" (a token of that state), "sub_update", or "layer" (one row
 *   that says what is true of the whole layer).
 * - `rank_*`: 1 for the first, empty where that run does not list it.
 * - `token_id`, `token`, `bytes` (of tokens that are no text), `probability_*`: of tokens. Where there
 *   are two runs both probabilities are exact, listed or not.
 * - `dimension`, `coefficient_*`, `score_*`: of sub-updates; empty where that run does not list it.
 * - `share_*`: of the layer's scores that its listed sub-updates have.
 * - `entropy_before_*`, `entropy_after_*`, `kl_before`, `kl_after`: nats, of the layer's states.
 */

import type { Layer, State, StateComparison, SubUpdate, TraceReply } from "@/api/types";
import { type Cell, toCsv } from "@/lib/csv";
import { compareSubUpdates } from "@/lib/diff";

const COLUMNS = [
  "layer",
  "part",
  "rank_unedited",
  "rank_edited",
  "token_id",
  "token",
  "bytes",
  "probability_unedited",
  "probability_edited",
  "dimension",
  "coefficient_unedited",
  "coefficient_edited",
  "score_unedited",
  "score_edited",
  "share_unedited",
  "share_edited",
  "entropy_before_unedited",
  "entropy_before_edited",
  "entropy_after_unedited",
  "entropy_after_edited",
  "kl_before",
  "kl_after",
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], Cell>>;

const rankIn = <T>(list: readonly T[] | undefined, is: (item: T) => boolean): number | null => {
  const index = list?.findIndex(is) ?? -1;
  return index < 0 ? null : index + 1;
};

function tokenRows(unedited: State, edited: State | null, both: StateComparison | null): Row[] {
  const tokens =
    both?.tokens ?? unedited.top.map((each) => ({ ...each, unedited: each.prob, edited: null }));
  return tokens.map(({ id, text, hex, ...prob }) => ({
    rank_unedited: rankIn(unedited.top, (each) => each.id === id),
    rank_edited: rankIn(edited?.top, (each) => each.id === id),
    token_id: id,
    token: text,
    bytes: hex,
    probability_unedited: prob.unedited,
    probability_edited: prob.edited,
  }));
}

function subUpdateRows(unedited: readonly SubUpdate[], edited: readonly SubUpdate[] | null): Row[] {
  const both = edited
    ? compareSubUpdates(unedited, edited)
    : unedited.map((each) => ({ unedited: each, edited: null }));
  return both.map(({ unedited: before, edited: after }) => ({
    dimension: (after ?? before)?.dim ?? null,
    rank_unedited: rankIn(unedited, (each) => each === before),
    rank_edited: rankIn(edited ?? [], (each) => each === after),
    coefficient_unedited: before?.coefficient ?? null,
    coefficient_edited: after?.coefficient ?? null,
    score_unedited: before?.score ?? null,
    score_edited: after?.score ?? null,
  }));
}

function layerRow(unedited: Layer, edited: Layer | null): Row {
  return {
    share_unedited: unedited.share,
    share_edited: edited?.share ?? null,
    entropy_before_unedited: unedited.before.entropy,
    entropy_before_edited: edited?.before.entropy ?? null,
    entropy_after_unedited: unedited.after.entropy,
    entropy_after_edited: edited?.after.entropy ?? null,
  };
}

export function traceCsv(reply: TraceReply): string {
  const rows = (reply.unedited.positions[0]?.layers ?? []).flatMap((unedited, index) => {
    const edited = reply.edited?.positions[0]?.layers[index] ?? null;
    const compared = reply.comparison?.[0]?.layers[index];
    const kl = { kl_before: compared?.before.kl ?? null, kl_after: compared?.after.kl ?? null };
    const parts: [string, Row[]][] = [
      ["layer", [{ ...layerRow(unedited, edited), ...kl }]],
      ["before", tokenRows(unedited.before, edited?.before ?? null, compared?.before ?? null)],
      ["sub_update", subUpdateRows(unedited.sub_updates, edited?.sub_updates ?? null)],
      ["after", tokenRows(unedited.after, edited?.after ?? null, compared?.after ?? null)],
    ];
    return parts.flatMap(([part, list]) =>
      list.map((row): Row => ({ layer: unedited.layer, part, ...row })),
    );
  });
  return toCsv(
    COLUMNS,
    rows.map((row) => COLUMNS.map((column) => row[column] ?? null)),
  );
}
