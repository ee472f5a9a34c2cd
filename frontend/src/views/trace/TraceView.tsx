/** The prediction view: prompt, tokens, ladder and layers; details stand beside it in the frame. */

import { type ComponentType, Suspense } from "react";
import { Button } from "@/components/Button";
import { Failure } from "@/components/Failure";
import { Skeleton } from "@/components/Skeleton";
import { Workbench } from "@/features/details/Workbench";
import { NoteOrGuide } from "@/features/examples/ExampleNote";
import { GenerateResult } from "@/features/generate/GenerateResult";
import { ModelState } from "@/features/header/ModelState";
import { useReadyModel } from "@/state/model";
import { onDemand } from "@/state/onDemand";
import { type Panel, useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { Ladder } from "./Ladder";
import { Layers, useReading } from "./Layers";
import { PromptBar } from "./PromptBar";
import { TokenStrip } from "./TokenStrip";
import styles from "./TraceView.module.css";

/** What stands in the place of ladder and layers; each is a chunk of its own. */
const PANELS: Record<Exclude<Panel, "layers">, ComponentType> = {
  grid: onDemand(() => import("@/features/grid/GridPanel").then((module) => module.GridPanel)),
  why: onDemand(() => import("@/features/why/WhyPanel").then((module) => module.WhyPanel)),
};

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
  const { reply, outdated, pending, error } = useTrace();
  const reading = useReading(reply);
  const ready = useReadyModel() !== null;
  const panel = useSession((state) => state.panel);
  if (!ready) return <ModelState />;
  if (reply && panel !== "layers") {
    const Shown = PANELS[panel];
    return (
      <div className={styles.panel}>
        <Suspense fallback={<Skeleton />}>
          <Shown />
        </Suspense>
      </div>
    );
  }
  if (reply)
    return (
      <div className={styles.result}>
        <Ladder {...{ reply, reading, outdated }} />
        <Layers {...{ reply, outdated, pending }} />
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
