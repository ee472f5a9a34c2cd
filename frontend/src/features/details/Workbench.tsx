/** A view with the details beside it; on a narrow screen they are a sheet over its lower part. */

import * as Dialog from "@radix-ui/react-dialog";
import type { CSSProperties, ReactNode } from "react";
import { Splitter } from "@/components/Splitter";
import { focusDialog } from "@/lib/focus";
import { useNarrow } from "@/lib/hooks";
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
              <Dialog.Title className="visually-hidden">Value Vector Details</Dialog.Title>
              <Details />
            </Dialog.Content>
          </Dialog.Portal>
        </Dialog.Root>
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
      <Details />
    </div>
  );
}
