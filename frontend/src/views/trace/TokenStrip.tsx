/** The tokens of the traced prompt. The chosen one is the position whose prediction is traced. */

import {
  type KeyboardEvent,
  memo,
  type RefObject,
  useCallback,
  useLayoutEffect,
  useMemo,
  useRef,
} from "react";
import type { Token } from "@/api/types";
import { TokenText } from "@/components/Token";
import { describeShares, placeCharacters } from "@/lib/characters";
import { describeToken } from "@/lib/tokens";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./TokenStrip.module.css";

/** The nearest token of the line above or below. */
function acrossLines(all: HTMLElement[], here: HTMLElement, step: number): HTMLElement | undefined {
  const line = here.offsetTop;
  const others = all.filter((each) => (each.offsetTop - line) * step > 0);
  const next = Math.min(...others.map((each) => Math.abs(each.offsetTop - line)));
  const middle = (each: HTMLElement) => each.offsetLeft + each.offsetWidth / 2;
  const away = (each: HTMLElement) => Math.abs(middle(each) - middle(here));
  return others
    .filter((each) => Math.abs(each.offsetTop - line) === next)
    .reduce<HTMLElement | undefined>(
      (best, each) => (best && away(best) <= away(each) ? best : each),
      undefined,
    );
}

function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const here = event.target;
  if (!(here instanceof HTMLElement) || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-position]")];
  const at = all.indexOf(here);
  const targets: Record<string, HTMLElement | undefined> = {
    ArrowLeft: all[at - 1],
    ArrowRight: all[at + 1],
    ArrowUp: acrossLines(all, here, -1),
    ArrowDown: acrossLines(all, here, 1),
    Home: all[0],
    End: all.at(-1),
  };
  const next = targets[event.key];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** A prompt of hundreds of tokens scrolls in the strip: the traced one is in sight. */
function useInSight(list: RefObject<HTMLElement | null>, position: number, count: number) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew when the tokens change
  useLayoutEffect(() => {
    const box = list.current;
    const token = box?.querySelector<HTMLElement>(`[data-position="${position}"]`);
    if (!box || !token) return;
    const top = token.offsetTop;
    const bottom = top + token.offsetHeight;
    if (top < box.scrollTop) box.scrollTop = top - 1;
    else if (bottom > box.scrollTop + box.clientHeight)
      box.scrollTop = bottom - box.clientHeight + 1;
  }, [list, position, count]);
}

export function TokenStrip() {
  const { reply } = useTrace();
  const prompt = useSession((state) => state.prompt);
  const typing = useSession((state) => state.prompt !== null && state.draft !== state.prompt);
  const wanted = useSession((state) => state.position);
  const list = useRef<HTMLOListElement>(null);
  const behind = reply?.prompt !== prompt;
  const last = (reply?.tokens.length ?? 0) - 1;
  const traced = behind ? (reply?.positions[0] ?? last) : (wanted ?? last);
  useInSight(list, traced, last);
  const pick = useCallback(
    (index: number) => useSession.getState().setPosition(index === last ? null : index),
    [last],
  );
  const places = useMemo(() => placeCharacters(reply?.tokens ?? []), [reply]);
  if (!reply) return <div className={styles.strip} />;
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
          <StripToken
            // biome-ignore lint/suspicious/noArrayIndexKey: the index is the position
            key={index}
            token={token}
            shares={describeShares(places[index]?.shares)}
            index={index}
            traced={index === traced}
            disabled={behind}
            onPick={pick}
          />
        ))}
      </ol>
      <p className={styles.hint}>
        {typing ? "The prompt has changed: Enter traces it." : "Choose the token to trace after."}
      </p>
    </div>
  );
}

interface StripTokenProps {
  token: Token;
  /** Its part of a character, where that is several tokens. */
  shares: string;
  index: number;
  traced: boolean;
  disabled: boolean;
  onPick(index: number): void;
}

const StripToken = memo(function StripToken(props: StripTokenProps) {
  const { token, shares, index, traced, disabled, onPick } = props;
  const name = describeToken({ text: token.text, hex: token.hex });
  return (
    <li>
      <button
        type="button"
        className={styles.token}
        aria-label={[`${index}: ${name}`, shares].filter(Boolean).join(", ")}
        aria-pressed={traced}
        tabIndex={traced ? 0 : -1}
        disabled={disabled}
        data-position={index}
        onClick={() => onPick(index)}
      >
        <TokenText
          token={token}
          title={shares ? `${describeToken(token)} · ${shares}` : undefined}
        />
        <sub aria-hidden>{index}</sub>
      </button>
    </li>
  );
});
