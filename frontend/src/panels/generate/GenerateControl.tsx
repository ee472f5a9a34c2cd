/** Generate, how many tokens and how they are chosen; while it runs, the button stops it. */

import { Square } from "lucide-react";
import { useState } from "react";
import { useLimits } from "@/api/queries";
import { Button, Tip } from "@/components/Button";
import { isRunning, useGeneration } from "@/state/generation";
import { usePrefs } from "@/state/prefs";
import { useGenerate } from "@/state/useGenerate";
import styles from "./GenerateControl.module.css";
import { SamplingMenu } from "./SamplingMenu";

export function GenerateControl() {
  const running = useGeneration(isRunning);
  const generate = useGenerate();
  return (
    <div className={styles.control}>
      {running ? (
        <Button className={styles.button} onClick={useGeneration.getState().stop}>
          <Square aria-hidden /> Stop
        </Button>
      ) : (
        <Tip label="Continue the prompt, unedited and edited" keys="mod+enter">
          <Button
            className={styles.button}
            data-tour="watch"
            disabled={generate === null}
            onClick={() => generate?.()}
          >
            Generate
          </Button>
        </Tip>
      )}
      <TokenCount />
      <SamplingMenu />
    </div>
  );
}

/** What is typed stays as it is until the field is left; then it is brought into the limits. */
function TokenCount() {
  const count = usePrefs((state) => state.newTokens);
  const most = useLimits().max_new_tokens;
  const isKnown = Number.isFinite(most); // else the server has not told it yet
  const [typed, setTyped] = useState<string | null>(null);
  const accept = (text: string) => {
    setTyped(text);
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= most)
      usePrefs.getState().set({ newTokens: value });
  };
  return (
    <label className={styles.count}>
      <input
        type="number"
        min={1}
        max={isKnown ? most : undefined}
        value={typed ?? count}
        aria-label="Number of tokens to generate"
        title={isKnown ? `1 to ${most} tokens` : undefined}
        onChange={(event) => accept(event.target.value)}
        onBlur={() => setTyped(null)}
      />
      <span aria-hidden>tokens</span>
    </label>
  );
}
