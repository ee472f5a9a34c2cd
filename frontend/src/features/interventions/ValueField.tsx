/** The number of a `set`, `scale` or `add` intervention. */

import { useState } from "react";
import { valueKey } from "@/lib/values";
import type { Intervention } from "@/state/interventions";
import { useSession } from "@/state/session";
import styles from "./Card.module.css";

const WORDS: Record<string, string> = { set: "set to", scale: "scale ×", add: "add" };

export function ValueField({ item }: { item: Intervention }) {
  const [typed, setTyped] = useState<string | null>(null);
  const key = valueKey(item);
  const accept = (text: string) => {
    setTyped(text);
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) return;
    useSession.getState().change({ type: "update", ref: item, patch: { value } }, `value ${key}`);
  };
  return (
    <label className={styles.value}>
      {WORDS[item.kind]}
      <input
        type="number"
        step="any"
        value={typed ?? item.value}
        aria-label={`${key}: ${WORDS[item.kind]}`}
        onChange={(event) => accept(event.target.value)}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}
