/** Both continuations side by side. They stay apart from the prompt until somebody continues there. */

import { CornerDownLeft, X } from "lucide-react";
import { useState } from "react";
import type { GenerateEnd, Step } from "@/api/types";
import { Button, IconButton } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { Failure } from "@/components/Failure";
import { TokenText } from "@/components/Token";
import { formatProb } from "@/lib/numbers";
import { describeToken } from "@/lib/tokens";
import { continueFrom } from "@/state/actions";
import { type GenerationRun, type Side, useGeneration } from "@/state/generation";
import styles from "./GenerateResult.module.css";
import { useGenerate } from "./useGenerate";

const ENDS: Record<GenerateEnd["finish_reason"], string> = {
  length: "",
  end_of_text: "ended by the end-of-text token",
  context_full: "stopped: the model’s context is full",
  stopped: "stopped",
};

export function GenerateResult() {
  const { question, runs, clear } = useGeneration();
  if (!question) return null;
  return (
    <section className={styles.panel} aria-label="Generated text" data-testid="generated">
      {runs.unedited && <Run side="unedited" run={runs.unedited} prompt={question.prompt} />}
      {runs.edited && <Run side="edited" run={runs.edited} prompt={question.prompt} />}
      <IconButton label="Close generated text" className={styles.close} onClick={clear}>
        <X aria-hidden />
      </IconButton>
    </section>
  );
}

function Run({ side, run, prompt }: { side: Side; run: GenerationRun; prompt: string }) {
  const [looked, look] = useState<number | null>(null);
  const generate = useGenerate();
  const step = looked === null ? undefined : run.steps[looked];
  const running = run.state === "running";
  const title = side === "unedited" ? "Unedited" : "Edited";
  return (
    <div className={styles.run} aria-busy={running}>
      <header>
        <h2>{title}</h2>
        <span className={styles.state}>
          {running
            ? `${run.steps.length} tokens…`
            : run.state === "stopped"
              ? "stopped"
              : run.finish
                ? ENDS[run.finish]
                : ""}
        </span>
        {run.text !== null && (
          <span className={styles.tools}>
            <Button look="quiet" onClick={() => continueFrom(run.text ?? prompt)}>
              <CornerDownLeft aria-hidden /> Continue from here
            </Button>
            <CopyButton text={run.text} label={`Copy the ${side} text`} />
          </span>
        )}
      </header>
      <p className={styles.text} dir="auto" data-testid={`generated-${side}`}>
        <span className={styles.prompt}>{prompt}</span>
        {run.steps.map((each) => (
          <button
            key={each.index}
            type="button"
            className={styles.step}
            style={{ "--share": each.prob } as React.CSSProperties}
            aria-pressed={looked === each.index}
            aria-label={`${describeToken(each.token)}, probability ${formatProb(each.prob)}`}
            onMouseEnter={() => look(each.index)}
            onFocus={() => look(each.index)}
            onClick={() => look(each.index)}
          >
            <TokenText token={each.token} flowing />
          </button>
        ))}
        {running && <span className={styles.caret} />}
      </p>
      {run.error && <Failure error={run.error} onRetry={generate ?? undefined} />}
      {run.steps.length > 0 && <Alternatives step={step} />}
    </div>
  );
}

/** One line, always there, so that nothing jumps as the pointer moves. */
function Alternatives({ step }: { step: Step | undefined }) {
  if (!step)
    return <p className={styles.alternatives}>Point at a token to see what else was likely.</p>;
  return (
    <ol className={styles.alternatives} aria-label="Likeliest tokens at this step">
      {step.alternatives.map((token) => (
        <li key={token.id} data-chosen={token.id === step.token.id || undefined}>
          <TokenText token={token} chip /> {formatProb(token.prob)}
        </li>
      ))}
    </ol>
  );
}
