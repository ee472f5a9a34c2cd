/** The followed tokens: A, B, … in their order, with more to be added. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { ArrowLeftRight, X } from "lucide-react";
import type { Token } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { TokenText } from "@/components/Token";
import { describeToken } from "@/lib/tokens";
import { finalStates, letterOf, likeliest } from "@/state/followed";
import { useReadyModel } from "@/state/model";
import { MAX_TOKENS, useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { moveTo, swapFirst } from "./order";
import { TokenMark } from "./TokenMark";
import styles from "./TokenPicker.module.css";
import { SEARCH_TOKEN_ID, TokenSearch } from "./TokenSearch";

interface Props {
  texts: ReadonlyMap<number, Token>;
  onPick(token: Token): void;
}

const choose = (tokens: readonly number[]) => useSession.getState().setTokens(tokens);

export function TokenPicker({ texts, onPick }: Props) {
  const ids = useSession((state) => state.tokens);
  const { reply } = useTrace();
  const size = useReadyModel()?.vocab_size ?? 0;
  const pick = (token: Token) => {
    onPick(token);
    choose([...ids, token.id]);
  };
  return (
    <div className={styles.picker}>
      <ol className={styles.chips} aria-label="Followed tokens">
        {ids.map((id, index) => (
          <li key={id} className={styles.item}>
            <Chip
              token={texts.get(id) ?? { id, text: `[${id}]`, hex: null }}
              index={index}
              foreign={id >= size}
            />
            {index === 0 && ids.length > 1 && (
              <IconButton label="Swap A and B" onClick={() => choose(swapFirst(ids))}>
                <ArrowLeftRight aria-hidden />
              </IconButton>
            )}
          </li>
        ))}
      </ol>
      {ids.length < MAX_TOKENS ? (
        <TokenSearch likeliest={likeliest(reply)} chosen={ids} onPick={pick} />
      ) : (
        <p className={styles.full}>{MAX_TOKENS} tokens are followed at most.</p>
      )}
    </div>
  );
}

function Chip({ token, index, foreign }: { token: Token; index: number; foreign: boolean }) {
  const letter = letterOf(index);
  const ids = useSession((state) => state.tokens);
  const name = describeToken({ text: token.text, hex: token.hex });
  const remove = () => {
    choose(ids.filter((id) => id !== token.id));
    document.getElementById(SEARCH_TOKEN_ID)?.focus();
  };
  const places = [
    { label: "Make it A", to: 0 },
    { label: "Make it B", to: 1 },
    { label: "Move left", to: index - 1 },
    { label: "Move right", to: index + 1 },
  ];
  return (
    <span className={styles.chip} data-token={token.id}>
      <Menu.Root modal={false}>
        <Menu.Trigger
          className={styles.open}
          aria-label={`${letter}: ${name}${foreign ? ", not in this model" : ""}`}
          title="Change its place, or remove it"
        >
          <TokenMark index={index} />
          <TokenText token={token} />
          {foreign && <small>not in this model</small>}
        </Menu.Trigger>
        <MenuContent align="start">
          {places.map(({ label, to }) => (
            <Menu.Item
              key={label}
              className={menu.item}
              disabled={to === index || to < 0 || to >= ids.length}
              onSelect={() => choose(moveTo(ids, index, to))}
            >
              <span className={menu.main}>{label}</span>
            </Menu.Item>
          ))}
          <Menu.Item className={menu.item} onSelect={remove}>
            <span className={menu.main}>Remove</span>
          </Menu.Item>
        </MenuContent>
      </Menu.Root>
      <button
        type="button"
        className={styles.remove}
        aria-label={`Stop following ${name}`}
        title="Remove"
        onClick={remove}
      >
        <X aria-hidden />
      </button>
    </span>
  );
}

/** What to do first: the two that the question is most likely about, or any likely one. */
export function NoTokens({ onPick }: { onPick(token: Token): void }) {
  const { reply } = useTrace();
  const [first, second] = finalStates(reply);
  const tokens = likeliest(reply);
  const a = first?.top[0];
  const b = second && second.top[0]?.id !== a?.id ? second.top[0] : first?.top[1];
  if (!a || !b) return null;
  return (
    <div className={styles.none}>
      <p>
        Follow tokens through the layers, and see what speaks for the first, A, rather than the
        second, B.
      </p>
      <Button
        look="primary"
        onClick={() => {
          for (const token of [a, b]) onPick(token);
          choose([a.id, b.id]);
        }}
      >
        Why
        <TokenText token={a} />
        rather than
        <TokenText token={b} />?
      </Button>
      <p className={styles.or}>or begin with one of the likeliest here:</p>
      <ul className={styles.likely} aria-label="Likeliest tokens of the final prediction">
        {tokens.slice(0, 12).map((token) => (
          <li key={token.id}>
            <button
              type="button"
              className={styles.suggestion}
              onClick={() => {
                onPick(token);
                choose([token.id]);
              }}
            >
              <TokenText token={token} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
