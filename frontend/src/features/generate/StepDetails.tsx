/** What is known of one generated token, and what can be done with it. Always there: nothing jumps. */

import { CornerDownLeft, Crosshair } from "lucide-react";
import type { KeyboardEventHandler, Ref } from "react";
import type { Step, TokenProb } from "@/api/types";
import { Button } from "@/components/Button";
import { TokenText } from "@/components/Token";
import { formatProb } from "@/lib/numbers";
import { type Side, useGeneration } from "@/state/generation";
import { useTrace } from "@/state/trace";
import styles from "./GenerateResult.module.css";
import { compareWithTrace, continueAfter, traceStep } from "./traceStep";

interface Props {
  id: string;
  side: Side;
  step: Step | undefined;
  /** The step that the present prompt was made for. */
  traced: number | null;
  actionsRef: Ref<HTMLDivElement>;
  onKeyDown: KeyboardEventHandler;
}

export function StepDetails({ id, side, step, traced, actionsRef, onKeyDown }: Props) {
  return (
    <div className={styles.details}>
      <div className={styles.line}>
        {step ? (
          <>
            <Alternatives id={id} step={step} />
            {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape of the buttons inside */}
            <div className={styles.actions} ref={actionsRef} onKeyDown={onKeyDown}>
              <Button look="quiet" onClick={() => traceStep({ side, index: step.index })}>
                <Crosshair aria-hidden /> Trace its prediction
              </Button>
              <Button look="quiet" onClick={() => continueAfter({ side, index: step.index })}>
                <CornerDownLeft aria-hidden /> Continue after it
              </Button>
            </div>
          </>
        ) : (
          <p>Point at a token, or walk with ← →, to see what else was likely and to trace there.</p>
        )}
      </div>
      {traced !== null && <Difference side={side} index={traced} />}
    </div>
  );
}

/** Where the trace is not what was generated, the reason is said beside the text. */
function Difference({ side, index }: { side: Side; index: number }) {
  const { reply, outdated } = useTrace();
  const { question, runs } = useGeneration();
  const run = runs[side];
  if (!question || !run || !reply || outdated) return null;
  const words = compareWithTrace({ side, index }, question, run, reply);
  return (
    <p role="status" className={styles.difference}>
      {words}
    </p>
  );
}

function Alternatives({ id, step }: { id: string; step: Step }) {
  const listed = step.alternatives.some((token) => token.id === step.token.id);
  return (
    <ol id={id} className={styles.alternatives} aria-label="Likeliest tokens at this step">
      {step.alternatives.map((token) => (
        <Alternative key={token.id} token={token} chosen={token.id === step.token.id} />
      ))}
      {!listed && (
        <>
          <li aria-hidden>…</li>
          <Alternative token={{ ...step.token, prob: step.prob }} chosen />
        </>
      )}
    </ol>
  );
}

function Alternative({ token, chosen }: { token: TokenProb; chosen: boolean }) {
  return (
    <li data-chosen={chosen || undefined}>
      {chosen && <span className="visually-hidden">chosen: </span>}
      <TokenText token={token} chip /> {formatProb(token.prob)}
    </li>
  );
}
