/** A box in which a token is typed: entries of the vocabulary are offered as one types. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useEffectEvent, useId, useRef, useState } from "react";
import { getTokens } from "@/api/client";
import { asApiError } from "@/api/errors";
import type { Token } from "@/api/types";
import { TokenText } from "@/components/Token";
import { useReadyModel } from "@/state/model";
import styles from "./TokenSearch.module.css";

export const SEARCH_TOKEN_ID = "search-token";
const OFFERED = 10;

interface Props {
  /** Offered before anything is typed. */
  likeliest: readonly Token[];
  chosen: readonly number[];
  onPick(token: Token): void;
}

function useOffers(text: string, likeliest: readonly Token[], chosen: readonly number[]) {
  const model = useReadyModel()?.id ?? "";
  const query = useQuery({
    queryKey: ["tokens", model, text],
    queryFn: ({ signal }) => getTokens(model, text, OFFERED + chosen.length, signal),
    enabled: text !== "",
    placeholderData: keepPreviousData,
  });
  const found = text === "" ? likeliest : (query.data?.tokens ?? []);
  return {
    offers: found.filter((token) => !chosen.includes(token.id)).slice(0, OFFERED),
    /** Whether they answer what is typed now. */
    current: text === "" || (query.data !== undefined && !query.isPlaceholderData),
    error: text !== "" && query.error ? asApiError(query.error) : null,
  };
}

export function TokenSearch({ likeliest, chosen, onPick }: Props) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  /** The text that was there when Enter was pressed. */
  const [asked, setAsked] = useState<string | null>(null);
  const list = useId();
  const box = useRef<HTMLInputElement>(null);
  const { offers, current, error } = useOffers(text, likeliest, chosen);
  const active = offers[Math.min(at, offers.length - 1)];
  const shown = open && (text !== "" || offers.length > 0);
  const pick = (token: Token) => {
    onPick(token);
    setText("");
    setAt(0);
    setOpen(false);
  };
  // Enter may come before the offers for what was typed: then it waits for them.
  const onAsked = useEffectEvent(() => {
    setAsked(null);
    if (active) pick(active);
  });
  const due = asked !== null && asked === text && current;
  useEffect(() => {
    if (due) onAsked();
  }, [due]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) {
      setOpen(true);
      if (shown && offers.length > 0)
        setAt((Math.min(at, offers.length - 1) + step + offers.length) % offers.length);
    } else if (event.key === "Enter" && shown) setAsked(text);
    else if (event.key === "Escape" && shown) setOpen(false);
    else return;
    event.preventDefault();
  };
  return (
    <div className={styles.search}>
      <input
        ref={box}
        id={SEARCH_TOKEN_ID}
        type="text"
        role="combobox"
        className={styles.box}
        value={text}
        placeholder="Add a token"
        aria-label="Add a token to follow"
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={shown && active ? `${list}-${active.id}` : undefined}
        autoComplete="off"
        spellCheck={false}
        dir="auto"
        onChange={(event) => {
          setText(event.target.value);
          setAsked(null);
          setAt(0);
          setOpen(true);
        }}
        onClick={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      {shown && (
        <div className={styles.popup}>
          {text === "" && <p className={styles.note}>the likeliest here</p>}
          {error && <p className={styles.note}>{error.message}</p>}
          {current && !error && offers.length === 0 && (
            <p className={styles.note}>
              No other entry of the vocabulary begins with <bdi>“{text.trim()}”</bdi>.
            </p>
          )}
          <div
            id={list}
            role="listbox"
            tabIndex={-1}
            aria-label="Tokens"
            data-outdated={!current || undefined}
          >
            {offers.map((token) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the box above has the keys
              // biome-ignore lint/a11y/useFocusableInteractive: the box above keeps the focus
              <div
                key={token.id}
                id={`${list}-${token.id}`}
                role="option"
                aria-selected={token === active}
                className={styles.option}
                // Before the box loses the focus, which closes the list.
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => pick(token)}
              >
                <TokenText token={token} chip />
                <small>{token.id}</small>
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
