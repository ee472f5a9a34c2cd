/** One run's text, token by token; what is known of the token that is looked at stands below it. */

import { CornerDownLeft } from "lucide-react";
import { type KeyboardEvent, useCallback, useId, useLayoutEffect, useRef, useState } from "react";
import type { GenerateEnd } from "@/api/types";
import { Button } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { Failure } from "@/components/Failure";
import { replacePrompt } from "@/state/actions";
import {
  type GenerationRun,
  type Question,
  type Side,
  textBefore,
  useGeneration,
} from "@/state/generation";
import { describeSampling } from "@/state/sampling";
import { useSession } from "@/state/session";
import { useGenerate } from "@/state/useGenerate";
import styles from "./GenerateResult.module.css";
import { StepDetails } from "./StepDetails";
import { inCharacters, StepToken } from "./StepToken";

const ENDS: Record<GenerateEnd["finish_reason"], string> = {
  length: "",
  end_of_text: "ended by the end-of-text token",
  context_full: "stopped: the model’s context is full",
  stopped: "stopped",
};

interface Props {
  side: Side;
  run: GenerationRun;
  question: Question;
  /** The step at which the two runs part. */
  parts: number | null;
  note: string | null | false;
}

function stateOf(run: GenerationRun): string {
  if (run.state === "running") return `${run.steps.length} tokens…`;
  if (run.state === "stopped") return `stopped after ${run.steps.length}`;
  return run.finish ? ENDS[run.finish] : "";
}

/** Which token is looked at: the one under the pointer, else the one that was chosen. */
function useLook() {
  const [chosen, choose] = useState<number | null>(null);
  const [pointed, point] = useState<number | null>(null);
  return { shown: pointed ?? chosen, chosen, choose, point };
}

type Look = ReturnType<typeof useLook>;

export function RunColumn({ side, run, question, parts, note }: Props) {
  const look = useLook();
  const generate = useGenerate();
  const traced = useTraced(side, run, question);
  const text = useRef<HTMLDivElement>(null);
  const actions = useRef<HTMLDivElement>(null);
  const details = useId();
  const toActions = useCallback(() => {
    requestAnimationFrame(() =>
      actions.current?.querySelector<HTMLElement>("button:enabled")?.focus(),
    );
  }, []);
  const backToToken = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    text.current?.querySelector<HTMLElement>("[data-step][tabindex='0']")?.focus();
  };
  return (
    <div
      className={styles.run}
      aria-busy={run.state === "running"}
      data-testid={`run-${side}`}
      ref={text}
    >
      <Head {...{ side, run, question, note }} />
      <RunText {...{ side, run, question, parts, traced, look, details, toActions }} />
      {run.error && <Failure error={run.error} onRetry={generate ?? undefined} />}
      {run.steps.length > 0 && (
        <StepDetails
          id={details}
          side={side}
          run={run}
          index={look.shown}
          traced={traced}
          actionsRef={actions}
          onKeyDown={backToToken}
        />
      )}
    </div>
  );
}

function Head({ side, run, question, note }: Omit<Props, "parts">) {
  const { text } = run;
  const words = [side === "unedited" && describeSampling(question.sampling), stateOf(run), note];
  return (
    <header>
      <h2>{side === "unedited" ? "Unedited" : "Edited"}</h2>
      <span className={styles.state}>{words.filter(Boolean).join(" · ")}</span>
      {text !== null && (
        <span className={styles.own}>
          <Button
            look="quiet"
            onClick={() => replacePrompt(text, "The prompt is now the generated text.")}
          >
            <CornerDownLeft aria-hidden /> Continue from here
          </Button>
          <CopyButton text={text} label={`Copy the ${side} text`} />
        </span>
      )}
    </header>
  );
}

interface TextProps extends Omit<Props, "note"> {
  traced: number | null;
  look: Look;
  details: string;
  /** Enter on a token leads to what can be done with it; a click leaves the focus where it is. */
  toActions(): void;
}

function RunText({ side, run, question, parts, traced, look, details, toActions }: TextProps) {
  const { shown, chosen, choose, point } = look;
  const box = useFollow(run.steps.length);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys of the buttons inside
    <div className={styles.scroll} ref={box} onKeyDown={walk} onMouseLeave={() => point(null)}>
      <p className={styles.text} dir="auto" data-testid={`generated-${side}`}>
        <span className={styles.prompt}>{question.prompt}</span>
        {inCharacters(run.steps).map((tokens) => (
          <span
            key={tokens[0]?.step.index}
            className={tokens.length > 1 ? styles.character : undefined}
          >
            {tokens.map(({ step, ...placed }) => (
              <StepToken
                key={step.index}
                step={step}
                {...placed}
                details={details}
                stop={step.index === (chosen ?? 0)}
                looked={step.index === shown}
                traced={step.index === traced}
                parts={step.index === parts}
                onLook={choose}
                onPoint={point}
                onEnter={toActions}
              />
            ))}
          </span>
        ))}
        {run.state === "running" && <span className={styles.caret} />}
      </p>
    </div>
  );
}

/** Left and right walk through the tokens, so that Tab need not. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const here = event.target;
  if (!(here instanceof HTMLElement) || !here.matches("[data-step]")) return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-step]")];
  const at = all.indexOf(here);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  const next = to === undefined ? undefined : all[to];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** Keeps the end in sight while tokens come, unless somebody has scrolled away from it. */
function useFollow(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each token that comes
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (atEnd.current) element.scrollTop = element.scrollHeight;
    const look = () => {
      atEnd.current = element.scrollTop + element.clientHeight > element.scrollHeight - 8;
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, [count]);
  return box;
}

/** The step of this run whose prediction the present prompt ends at. */
function useTraced(side: Side, run: GenerationRun, question: Question): number | null {
  const traced = useGeneration((state) => state.traced);
  const prompt = useSession((state) => state.prompt);
  if (traced?.side !== side || prompt !== textBefore(question, run, traced.index)) return null;
  return traced.index;
}
