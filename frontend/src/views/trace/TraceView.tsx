/** The prediction view: prompt, tokens, ladder and layers; details stand beside it in the frame. */

import { Suspense, useCallback, useEffect, useRef, useState } from "react";
import { Button } from "@/components/Button";
import { Failure } from "@/components/Failure";
import { Workbench } from "@/features/details/Workbench";
import { NoteOrGuide } from "@/features/examples/ExampleNote";
import { GenerateResult } from "@/features/generate/GenerateResult";
import { ModelState } from "@/features/header/ModelState";
import { scrollBehaviour } from "@/lib/motion";
import { useReadyModel } from "@/state/model";
import { onDemand } from "@/state/onDemand";
import { useSession } from "@/state/session";
import { useTrace } from "@/state/trace";
import { Ladder } from "./Ladder";
import { layerId } from "./LayerRow";
import { Layers, useReading } from "./Layers";
import { PromptBar } from "./PromptBar";
import { Skeleton } from "./Skeleton";
import { TokenStrip } from "./TokenStrip";
import styles from "./TraceView.module.css";

const GridPanel = onDemand(() =>
  import("@/features/grid/GridPanel").then((module) => module.GridPanel),
);
const WhyPanel = onDemand(() =>
  import("@/features/why/WhyPanel").then((module) => module.WhyPanel),
);

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
  const body = useRef<HTMLDivElement>(null);
  const panel = useSession((state) => state.panel);
  const [shown, setShown] = useLayerInSight(body, reply !== null && panel === "layers");
  const choose = useCallback(
    (layer: number) => {
      document.getElementById(layerId(layer))?.scrollIntoView({ behavior: scrollBehaviour() });
      setShown(layer);
    },
    [setShown],
  );
  if (!ready) return <ModelState />;
  if (reply && panel !== "layers")
    return (
      <div className={styles.panel}>
        <Suspense fallback={<Skeleton />}>
          {panel === "grid" ? <GridPanel /> : <WhyPanel />}
        </Suspense>
      </div>
    );
  if (reply)
    return (
      <div className={styles.result}>
        <Ladder {...{ reply, reading, outdated, shown }} onChoose={choose} />
        <Layers {...{ reply, outdated, pending, shown }} bodyRef={body} />
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

/** The uppermost layer in sight, as the list scrolls. */
function useLayerInSight(body: React.RefObject<HTMLDivElement | null>, present: boolean) {
  const [layer, setLayer] = useState(0);
  useEffect(() => {
    const box = body.current;
    if (!box || !present) return;
    const look = () => {
      const top = box.getBoundingClientRect().top + 60;
      const rows = [...box.querySelectorAll<HTMLElement>("li[id^='layer-']")];
      const index = rows.findIndex((row) => row.getBoundingClientRect().bottom > top);
      if (index >= 0) setLayer(index);
    };
    box.addEventListener("scroll", look, { passive: true });
    return () => box.removeEventListener("scroll", look);
  }, [body, present]);
  return [layer, setLayer] as const;
}
