/** The tokens of the traced prompt. The chosen one is the position whose prediction is traced. */

import { type KeyboardEvent, useRef } from "react";
import { TokenText } from "@/components/Token";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./TokenStrip.module.css";

function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const here = document.activeElement?.parentElement;
  const next = step > 0 ? here?.nextElementSibling : here?.previousElementSibling;
  const button = step ? next?.querySelector("button") : null;
  if (!button) return;
  event.preventDefault();
  button.focus();
}

export function TokenStrip() {
  const { reply } = useTrace();
  const prompt = useSession((state) => state.prompt);
  const typing = useSession((state) => state.prompt !== null && state.draft !== state.prompt);
  const wanted = useSession((state) => state.position);
  const list = useRef<HTMLOListElement>(null);
  if (!reply) return <div className={styles.strip} />;
  const behind = reply.prompt !== prompt;
  const last = reply.tokens.length - 1;
  const traced = behind ? (reply.positions[0] ?? last) : (wanted ?? last);
  const pick = (index: number) => useSession.getState().setPosition(index === last ? null : index);
  return (
    <div className={styles.strip}>
      <ol
        ref={list}
        className={styles.tokens}
        aria-label="Tokens of the prompt: choose the traced position"
        data-outdated={behind || typing || undefined}
        onKeyDown={moveFocus}
      >
        {reply.tokens.map((token, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the index is the position
          <li key={index}>
            <button
              type="button"
              className={styles.token}
              aria-pressed={index === traced}
              tabIndex={index === traced ? 0 : -1}
              disabled={behind}
              data-position={index}
              onClick={() => pick(index)}
            >
              <TokenText token={token} />
              <sub aria-hidden>{index}</sub>
            </button>
          </li>
        ))}
      </ol>
      <p className={styles.hint}>
        {typing ? "The prompt has changed: Enter traces it." : "Choose the token to trace after."}
      </p>
    </div>
  );
}
