/**
 * A view with the details beside it, where they can be folded away until the next vector is chosen; on
 * a narrow screen they are a sheet over its lower part.
 */

import * as Dialog from "@radix-ui/react-dialog";
import { PanelRightOpen } from "lucide-react";
import { type CSSProperties, type ReactNode, useEffect, useState } from "react";
import { IconButton } from "@/components/Button";
import { HoldsKeyboard } from "@/components/HoldsKeyboard";
import { Splitter } from "@/components/Splitter";
import { focusDialog } from "@/lib/focus";
import { useNarrow } from "@/lib/hooks";
import { sameValue } from "@/lib/values";
import { usePrefs } from "@/state/prefs";
import { useSession } from "@/state/session";
import { Details } from "./Details";
import styles from "./Workbench.module.css";

const NARROWEST = 280;
const WIDEST = 640;

export function Workbench({ children }: { children: ReactNode }) {
  const narrow = useNarrow();
  const width = usePrefs((state) => state.detailsWidth);
  const selection = useSession((state) => state.selection);
  const { select } = useSession.getState();
  const open = useDetailsOpen();
  if (narrow)
    return (
      <div className={styles.narrow}>
        {children}
        <Dialog.Root
          open={selection !== null}
          onOpenChange={(open) => {
            if (!open) select(null);
          }}
        >
          <Dialog.Portal>
            <Dialog.Overlay className={styles.shade} />
            <Dialog.Content
              className={styles.sheet}
              aria-describedby={undefined}
              onOpenAutoFocus={focusDialog}
            >
              <HoldsKeyboard />
              <Dialog.Title className="visually-hidden">Value Vector Details</Dialog.Title>
              <Details />
            </Dialog.Content>
          </Dialog.Portal>
        </Dialog.Root>
      </div>
    );
  if (!open)
    return (
      <div className={styles.folded}>
        {children}
        <aside className={styles.rail} aria-label="Value Vector Details">
          <IconButton
            label="Unfold the details"
            onClick={() => usePrefs.getState().set({ detailsOpen: true })}
          >
            <PanelRightOpen aria-hidden />
          </IconButton>
        </aside>
      </div>
    );
  return (
    <div className={styles.wide} style={{ "--details": `${width}px` } as CSSProperties}>
      {children}
      <Splitter
        label="Width of Value Vector Details"
        value={width}
        min={NARROWEST}
        max={WIDEST}
        onChange={(detailsWidth) => usePrefs.getState().set({ detailsWidth })}
      />
      <Details onFold={() => usePrefs.getState().set({ detailsOpen: false })} />
    </div>
  );
}

/** Choosing another vector unfolds them: somebody wants to read it. */
function useDetailsOpen(): boolean {
  const open = usePrefs((state) => state.detailsOpen);
  const selection = useSession((state) => state.selection);
  const [seen, setSeen] = useState(selection);
  const chosen = selection !== null && !sameValue(selection, seen);
  useEffect(() => {
    setSeen(selection);
    if (chosen) usePrefs.getState().set({ detailsOpen: true });
  }, [selection, chosen]);
  return open || chosen;
}
