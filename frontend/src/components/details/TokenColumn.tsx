/** One end of a value vector's projection: tokens with their logits. */

import { type CSSProperties, memo } from "react";
import type { TokenLogit } from "@/api/types";
import { CopyButton } from "@/components/CopyButton";
import { TokenText } from "@/components/Token";
import { formatSigned } from "@/lib/numbers";
import styles from "./TokenColumn.module.css";

interface Props {
  title: string;
  side: "promotes" | "suppresses";
  tokens: readonly TokenLogit[];
}

export const TokenColumn = memo(function TokenColumn({ title, side, tokens }: Props) {
  const largest = Math.max(1e-9, ...tokens.map((token) => Math.abs(token.logit)));
  return (
    <div className={styles.column}>
      <h3 className={styles.title}>
        <span aria-hidden>{side === "promotes" ? "▲" : "▼"}</span> {title}
        <small>logit</small>
        <CopyButton
          text={tokens.map((token) => token.text).join("\n")}
          label={`Copy the tokens it ${side}`}
        />
      </h3>
      <ol aria-label={`${title} these tokens`}>
        {tokens.map((token) => (
          <li
            key={token.id}
            className={`${styles.row} ${token.logit >= 0 ? styles.more : styles.less}`}
            style={{ "--share": Math.abs(token.logit) / largest } as CSSProperties}
          >
            <span className={styles.token}>
              <TokenText token={token} />
            </span>
            <span className={styles.logit} title={String(token.logit)}>
              {formatSigned(token.logit)}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
});
