/** What is known of one generated token, and what can be done with it. Always there: nothing jumps. */

import { CornerDownLeft, Crosshair } from "lucide-react";
import type { KeyboardEventHandler, ReactNode, Ref } from "react";
import type { Step, TokenProb } from "@/api/types";
import { Button } from "@/components/Button";
import { ReadingName } from "@/components/ReadingName";
import { TokenText } from "@/components/Token";
import { isText } from "@/lib/characters";
import { formatProb } from "@/lib/numbers";
import { type GenerationRun, type Side, useGeneration } from "@/state/generation";
import { useTrace } from "@/state/trace";
import styles from "./GenerateResult.module.css";
import { compareWithTrace, continueAfter, traceStep } from "./traceStep";

interface Props {
  id: string;
  side: Side;
  run: GenerationRun;
  /** The step that is looked at. */
  index: number | null;
  /** The step that the present prompt was made for. */
  traced: number | null;
  actionsRef: Ref<HTMLDivElement>;
  onKeyDown: KeyboardEventHandler;
}

export function StepDetails({ id, side, run, index, traced, actionsRef, onKeyDown }: Props) {
  const step = index === null ? undefined : run.steps[index];
  return (
    <div className={styles.details}>
      <div className={styles.line}>
        {step ? (
          <>
            {/* The stream names it once, at its end; the alternatives are of the final state. */}
            <ReadingName reading="lens" />
            <Alternatives id={id} step={step} />
            {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape of the buttons inside */}
            <div className={styles.actions} ref={actionsRef} onKeyDown={onKeyDown}>
              <Action
                at={step.index}
                run={run}
                onClick={() => traceStep({ side, index: step.index })}
              >
                <Crosshair aria-hidden /> Trace its prediction
              </Action>
              <Action
                at={step.index + 1}
                run={run}
                onClick={() => continueAfter({ side, index: step.index })}
              >
                <CornerDownLeft aria-hidden /> Continue after it
              </Action>
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

interface ActionProps {
  /** How many of the steps the prompt would end with. */
  at: number;
  run: GenerationRun;
  onClick(): void;
  children: ReactNode;
}

/** What makes the text so far the prompt: not where it ends inside a character. */
function Action({ at, run, onClick, children }: ActionProps) {
  const whole = isText(run.steps.slice(0, at).map(({ token }) => token));
  return (
    <Button
      look="quiet"
      disabled={!whole}
      title={
        whole
          ? undefined
          : "The text up to there has bytes that make no character; a prompt cannot."
      }
      onClick={onClick}
    >
      {children}
    </Button>
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
