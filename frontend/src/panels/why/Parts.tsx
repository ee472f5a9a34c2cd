/** The parts of a logit as numbers with bars: four sums, then attention and FFN of every layer. */

import type { CSSProperties } from "react";
import type { AttributeReply } from "@/api/types";
import { formatSigned } from "@/lib/numbers";
import styles from "./Attribution.module.css";
import { largestOf, partsOf } from "./parts";

/** To the right of the middle: speaks for A. */
export const amountStyle = (amount: number, largest: number) =>
  ({ "--share": largest > 0 ? Math.abs(amount) / largest : 0 }) as CSSProperties;

export const signOf = (amount: number): "more" | "less" => (amount < 0 ? "less" : "more");

function Amount({ amount, largest }: { amount: number; largest: number }) {
  return (
    <td
      className={styles.amount}
      data-sign={signOf(amount)}
      style={amountStyle(amount, largest)}
      title={String(amount)}
    >
      {formatSigned(amount)}
    </td>
  );
}

export function Sums({ reply }: { reply: AttributeReply }) {
  const parts = partsOf(reply);
  const largest = largestOf([reply.total, ...parts.map((part) => part.amount)]);
  return (
    <table className={styles.sums} data-testid="sums">
      <caption className="visually-hidden">What adds up</caption>
      <tbody>
        {parts.map(({ name, note, amount }) => (
          <tr key={name}>
            <th scope="row">
              {name} <small>{note}</small>
            </th>
            <Amount amount={amount} largest={largest} />
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Sum</th>
          <Amount amount={reply.total} largest={largest} />
        </tr>
      </tfoot>
    </table>
  );
}

export function LayerParts({ reply }: { reply: AttributeReply }) {
  const largest = largestOf([...reply.attention, ...reply.ffn]);
  return (
    <table className={styles.layers} data-testid="layer-parts">
      <caption className="visually-hidden">Attention and FFN of every layer</caption>
      <thead>
        <tr>
          <th scope="col">Layer</th>
          <th scope="col">Attention</th>
          <th scope="col">FFN</th>
        </tr>
      </thead>
      <tbody>
        {reply.ffn.map((amount, layer) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the index is the layer
          <tr key={layer}>
            <th scope="row">{layer}</th>
            {layer === 0 ? (
              <td className={styles.within}>in start</td>
            ) : (
              <Amount amount={reply.attention[layer] ?? 0} largest={largest} />
            )}
            <Amount amount={amount} largest={largest} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
