/** Tokens through the layers, and why A rather than B. */

import { useCallback, useState } from "react";
import type { Token } from "@/api/types";
import { Failure } from "@/components/Failure";
import { Panel } from "@/components/Panel";
import { PanelNote } from "@/components/PanelNote";
import { PanelTabs } from "@/components/PanelTabs";
import { NoTokens, TokenPicker } from "@/components/tokens/TokenPicker";
import { useTokenTexts } from "@/state/followed";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { Attribution } from "./Attribution";
import { Lines } from "./Lines";
import { useFollow } from "./useWhy";
import styles from "./WhyPanel.module.css";

export function WhyPanel() {
  const ids = useSession((state) => state.tokens);
  const { reply: trace } = useTrace();
  const { reply, outdated, pending, error, retry } = useFollow();
  const [picked, setPicked] = useState<readonly Token[]>([]);
  const pick = useCallback((token: Token) => setPicked((all) => [...all, token]), []);
  const texts = useTokenTexts(reply, picked);
  const position = trace?.positions[0] ?? 0;
  const [a, b] = ids.flatMap((id) => texts.get(id) ?? []);
  return (
    <Panel
      title="Why"
      tabs={<PanelTabs />}
      className={styles.panel}
      busy={pending}
      note={
        <PanelNote
          at={{ position, token: trace?.tokens[position] }}
          outdated={outdated}
          pending={pending}
        />
      }
    >
      <div className={styles.body}>
        <div className={styles.tokens}>
          <TokenPicker texts={texts} onPick={pick} />
        </div>
        {error && (
          <div className={styles.error}>
            <Failure error={error} onRetry={retry} />
          </div>
        )}
        {ids.length === 0 && <NoTokens onPick={pick} />}
        {reply && ids.length > 0 && <Lines reply={reply} outdated={outdated} />}
        {!reply && pending && (
          <p className={styles.waiting} role="status">
            Following the tokens…
          </p>
        )}
        {a && <Attribution a={a} b={b ?? null} />}
      </div>
    </Panel>
  );
}
