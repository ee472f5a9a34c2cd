/** The prompt box with Select Example, Trace and Generate. Enter traces, Shift+Enter breaks the line. */

import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from "react";
import { useLimits } from "@/api/queries";
import { Button, Tip } from "@/components/Button";
import { PROMPT_ID } from "@/lib/ids";
import { formatCount } from "@/lib/numbers";
import { ExamplesMenu } from "@/panels/examples/ExamplesMenu";
import { GenerateControl } from "@/panels/generate/GenerateControl";
import { tracePrompt } from "@/state/actions";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import styles from "./PromptBar.module.css";

/** The box grows with its text, up to a fifth of the window. */
function useGrowing(text: string) {
  const box = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew whenever the text changes
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "0";
    element.style.height = `${Math.min(element.scrollHeight + 2, innerHeight / 5)}px`;
  }, [text]);
  return box;
}

export function PromptBar() {
  const draft = useSession((state) => state.draft);
  const box = useGrowing(draft);
  const [asked, setAsked] = useState(false);
  const hint = useId();
  const { retry } = useTrace();
  const limit = useLimits().max_prompt_chars;
  const problem =
    draft.length > limit
      ? `The prompt has ${formatCount(draft.length)} characters; ${formatCount(limit)} are allowed.`
      : asked && draft === ""
        ? "Type a prompt first, or choose one with Select Example."
        : null;
  const trace = () => {
    setAsked(true);
    if (draft === "" || draft.length > limit) {
      box.current?.focus();
      return;
    }
    // The same prompt again is asked again: somebody wants to see that it is up to date.
    if (draft === useSession.getState().prompt) retry();
    tracePrompt();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    trace();
  };
  return (
    <div className={styles.bar}>
      <ExamplesMenu />
      <div className={styles.field}>
        <label htmlFor={PROMPT_ID} className="visually-hidden">
          Prompt
        </label>
        <textarea
          id={PROMPT_ID}
          ref={box}
          className={styles.box}
          rows={1}
          value={draft}
          placeholder="Type a prompt; Enter traces it"
          spellCheck={false}
          autoComplete="off"
          dir="auto"
          aria-invalid={problem !== null}
          aria-describedby={problem ? hint : undefined}
          onChange={(event) => useSession.getState().setDraft(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {problem && (
          <p id={hint} className={styles.problem} role="alert">
            {problem}
          </p>
        )}
      </div>
      <div className={styles.actions}>
        <Tip label="Trace the prompt" keys="enter">
          <Button look="primary" onClick={trace}>
            Trace <span aria-hidden>⏎</span>
          </Button>
        </Tip>
        <GenerateControl />
      </div>
    </div>
  );
}
