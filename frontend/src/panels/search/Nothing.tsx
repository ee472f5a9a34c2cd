/** Before anything is searched for: what each mode does, and something to start with. */

import { Button } from "@/components/Button";
import { type Mode, useExplore } from "@/state/explore";
import styles from "./SearchView.module.css";

const TEXTS: Record<Mode, { what: string; examples: readonly string[] }> = {
  keywords: {
    what: "Keyword search finds value vectors that have a word among the 50 tokens they promote most. Several keywords, separated by commas, find vectors with any of them; those with the rarest rank first.",
    examples: ["music", "doctor, nurse", "king, queen, prince"],
  },
  concepts: {
    what: "Concept search ranks every value vector by the mean logit that it gives to your words over the full vocabulary. A minus before a word looks for vectors that demote it.",
    examples: ["music, song", "music, song, -school", "summer, -winter"],
  },
};

export function Nothing({ mode }: { mode: Mode }) {
  const { what, examples } = TEXTS[mode];
  const ask = (query: string) => {
    const { type, settle } = useExplore.getState();
    type(query);
    settle();
  };
  return (
    <div className={styles.nothing}>
      <p>{what}</p>
      <p className={styles.examples}>
        Try
        {examples.map((example) => (
          <Button key={example} onClick={() => ask(example)}>
            {example}
          </Button>
        ))}
      </p>
    </div>
  );
}
