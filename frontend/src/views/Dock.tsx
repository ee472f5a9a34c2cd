/** The foot of the page: the interventions, and beside them the prediction that they change. */

import type { CSSProperties } from "react";
import { Splitter } from "@/components/Splitter";
import { FinalPrediction } from "@/panels/final/FinalPrediction";
import { Interventions } from "@/panels/interventions/Interventions";
import { usePrefs } from "@/state/prefs";
import styles from "./Dock.module.css";

const LOWEST = 120;

export function Dock() {
  const open = usePrefs((state) => state.dockOpen);
  const height = usePrefs((state) => state.dockHeight);
  const highest = Math.max(LOWEST, Math.round(innerHeight * 0.6));
  return (
    <div
      className={styles.dock}
      data-open={open || undefined}
      style={{ "--dock": `${height}px` } as CSSProperties}
    >
      {open && (
        <Splitter
          label="Height of the interventions"
          between="rows"
          value={height}
          min={LOWEST}
          max={highest}
          onChange={(dockHeight) => usePrefs.getState().set({ dockHeight })}
        />
      )}
      <Interventions />
      <FinalPrediction />
    </div>
  );
}
