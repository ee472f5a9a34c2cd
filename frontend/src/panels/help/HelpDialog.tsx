/** The list of shortcuts, and the switch for those that are one plain letter. */

import { Modal } from "@/components/Modal";
import { formatKeys } from "@/lib/keys";
import { usePrefs } from "@/state/prefs";
import { GROUPS, useShortcutTable } from "@/state/shortcuts";
import styles from "./HelpDialog.module.css";

export function HelpDialog({ onClose }: { onClose(): void }) {
  const table = useShortcutTable();
  const letters = usePrefs((state) => state.letterKeys);
  return (
    <Modal title="Keyboard shortcuts" wide onClose={onClose}>
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
    </Modal>
  );
}
