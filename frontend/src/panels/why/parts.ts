/** What adds up to a logit, or to a lead of one over another (exact reading, rule 16). */

import type { AttributeReply } from "@/api/types";
import { type Cell, toCsv } from "@/lib/csv";
import { formatCount } from "@/lib/numbers";

export interface Part {
  name: string;
  /** What it is, for those who do not know the name. */
  note: string;
  amount: number;
}

const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0);

/** The four sums that make the total. */
export function partsOf(reply: AttributeReply): Part[] {
  const last = reply.attention.length - 1;
  const from = last > 0 ? `of layers 1 to ${last}` : "none besides the first";
  return [
    { name: "Base", note: "the final norm’s bias", amount: reply.base },
    { name: "Start", note: "embeddings and the first block’s attention", amount: reply.start },
    { name: "Attention", note: from, amount: sum(reply.attention) },
    { name: "FFNs", note: "of all layers, biases included", amount: sum(reply.ffn) },
  ];
}

export const largestOf = (amounts: readonly number[]): number =>
  amounts.reduce((most, amount) => Math.max(most, Math.abs(amount)), 0);

/** "3.4", "1,200", "1.2e+9": how many times as likely one token is as the other. */
export function formatTimes(lead: number): string {
  const decades = Math.abs(lead) / Math.LN10;
  if (decades >= 6) {
    const whole = Math.floor(decades);
    return `${(10 ** (decades - whole)).toFixed(1)}e+${whole}`;
  }
  const times = 10 ** decades;
  return times >= 100 ? formatCount(Math.round(times)) : times.toPrecision(2);
}

export function attributionCsv(reply: AttributeReply): string {
  const rows: Cell[][] = [
    ["total", null, null, null, reply.total],
    ["base", null, null, null, reply.base],
    ["start", null, null, null, reply.start],
    ...reply.attention.map((amount, layer): Cell[] => ["attention", layer, null, null, amount]),
    ...reply.ffn.map((amount, layer): Cell[] => ["ffn", layer, null, null, amount]),
    ...reply.sub_updates.map(({ layer, dim, coefficient, amount }): Cell[] => [
      "sub_update",
      layer,
      dim,
      coefficient,
      amount,
    ]),
  ];
  return toCsv(["part", "layer", "dimension", "coefficient", "amount"], rows);
}
