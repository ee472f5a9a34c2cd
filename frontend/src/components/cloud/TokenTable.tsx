/** Tokens and their logits as a plain table. */

import { memo } from "react";
import type { TokenLogit } from "@/api/types";
import { TokenText } from "@/components/Token";
import { formatSigned } from "@/lib/numbers";
import styles from "./TokenTable.module.css";

interface Props {
  caption: string;
  tokens: readonly TokenLogit[];
}

export const TokenTable = memo(function TokenTable({ caption, tokens }: Props) {
  return (
    <table className={styles.table}>
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Rank</th>
          <th scope="col">Token</th>
          <th scope="col">Id</th>
          <th scope="col">Logit</th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token, rank) => (
          <tr key={token.id}>
            <td>{rank + 1}</td>
            <th scope="row">
              <TokenText token={token} />
            </th>
            <td>{token.id}</td>
            <td title={String(token.logit)}>{formatSigned(token.logit)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
});
