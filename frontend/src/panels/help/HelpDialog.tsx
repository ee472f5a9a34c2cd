/** The list of shortcuts, and the switch for those that are one plain letter. */

import * as Dialog from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { IconButton } from "@/components/Button";
import { HoldsKeyboard } from "@/components/HoldsKeyboard";
import { focusDialog, useReturnedFocus } from "@/lib/focus";
import { formatKeys } from "@/lib/keys";
import { usePrefs } from "@/state/prefs";
import { GROUPS, useShortcutTable } from "@/state/shortcuts";
import styles from "./HelpDialog.module.css";

export function HelpDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  const table = useShortcutTable();
  const letters = usePrefs((state) => state.letterKeys);
  const { remember, onCloseAutoFocus } = useReturnedFocus();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={styles.shade} />
        <Dialog.Content
          className={styles.dialog}
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            remember();
            focusDialog(event);
          }}
          onCloseAutoFocus={onCloseAutoFocus}
        >
          <HoldsKeyboard />
          <header className={styles.head}>
            <Dialog.Title>Keyboard shortcuts</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton label="Close">
                <X aria-hidden />
              </IconButton>
            </Dialog.Close>
          </header>
          <div className={styles.groups}>
            {GROUPS.map((group) => (
              <section key={group}>
                <h3>{group}</h3>
                <dl>
                  {table
                    .filter((entry) => entry.group === group)
                    .map((entry) => (
                      <div key={entry.id}>
                        <dt>
                          {entry.keys.map((keys) => (
                            <kbd key={keys}>{formatKeys(keys)}</kbd>
                          ))}
                        </dt>
                        <dd>{entry.does}</dd>
                      </div>
                    ))}
                </dl>
              </section>
            ))}
          </div>
          <label className={styles.letters}>
            <input
              type="checkbox"
              checked={letters}
              onChange={(event) => usePrefs.getState().set({ letterKeys: event.target.checked })}
            />
            Shortcuts of a single letter, digit or sign
          </label>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
