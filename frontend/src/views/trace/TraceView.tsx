/** The prediction view: prompt, tokens, one of its panels; details stand beside it in the frame. */

import { Suspense } from "react";
import { Button } from "@/components/Button";
import { Workbench } from "@/components/details/Workbench";
import { Failure } from "@/components/Failure";
import { ModelState } from "@/components/ModelState";
import { Skeleton } from "@/components/Skeleton";
import { NoteOrGuide } from "@/panels/examples/ExampleNote";
import { GenerateResult } from "@/panels/generate/GenerateResult";
import { useReadyModel } from "@/state/model";
import { useTracePanel } from "@/state/panels";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { PromptBar } from "./PromptBar";
import { TokenStrip } from "./TokenStrip";
import styles from "./TraceView.module.css";

export function TraceView() {
  return (
    <div className={styles.view}>
      <PromptBar />
      <TokenStrip />
      <NoteOrGuide />
      <TraceError />
      <GenerateResult />
      <Workbench>
        <Result />
      </Workbench>
    </div>
  );
}

function TraceError() {
  const { error, retry } = useTrace();
  const position = useSession((state) => state.position);
  if (!error) return null;
  return (
    <div className={styles.error}>
      <Failure error={error} onRetry={retry}>
        {error.code === "invalid_position" && position !== null && (
          <Button onClick={() => useSession.getState().setPosition(null)}>
            Trace the last token
          </Button>
        )}
      </Failure>
    </div>
  );
}

function Result() {
  const { reply, pending, error } = useTrace();
  const ready = useReadyModel() !== null;
  const Shown = useTracePanel()?.Show;
  if (!ready) return <ModelState />;
  if (reply && Shown)
    return (
      <div className={styles.panel}>
        <Suspense fallback={<Skeleton />}>
          <Shown />
        </Suspense>
      </div>
    );
  if (pending) return <Skeleton />;
  return (
    <p className={styles.empty}>
      {error
        ? "No trace yet."
        : "Type a prompt and press Enter, or choose one with Select Example: every layer’s reading of it appears here."}
    </p>
  );
}
