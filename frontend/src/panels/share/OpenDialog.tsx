/** Where a run or names come from: a file, or their text. Also where it says that one cannot be read. */

import { FolderOpen, TriangleAlert } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "@/components/Button";
import { Modal } from "@/components/Modal";
import { type Here, openFile, openText } from "./actions";
import styles from "./Share.module.css";

interface Props {
  problem: { file: string; sentence: string } | null;
  here: Here;
  onClose(): void;
}

export function OpenDialog({ problem, here, onClose }: Props) {
  const [text, setText] = useState("");
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <Modal title="Open a run, or names" onClose={onClose}>
      {problem && (
        <p role="alert" className={styles.problem}>
          <TriangleAlert aria-hidden />
          <span>
            <strong>
              <bdi>{problem.file}</bdi> was not opened.
            </strong>{" "}
            {problem.sentence} Nothing on the page was changed.
          </span>
        </p>
      )}
      <div className={styles.row}>
        <input
          ref={chooser}
          type="file"
          accept=".json,application/json"
          className="visually-hidden"
          tabIndex={-1}
          aria-label="File with a run or names"
          onChange={({ target }) => {
            const file = target.files?.[0];
            // The same file can be chosen again after it was mended.
            target.value = "";
            if (file) void openFile(file, here);
          }}
        />
        <Button look="primary" onClick={() => chooser.current?.click()}>
          <FolderOpen aria-hidden /> Choose a file…
        </Button>
        <p className={styles.quiet}>or drop it anywhere on the page, also without this dialog</p>
      </div>
      <label className={styles.field}>
        or paste its text
        <textarea
          className={styles.text}
          rows={6}
          value={text}
          placeholder='{"format": "lm-debugger-run", …}'
          spellCheck={false}
          dir="ltr"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <div className={styles.row}>
        <Button
          disabled={text.trim() === ""}
          onClick={() => openText(text, "What you pasted", here)}
        >
          Open this text
        </Button>
        <p className={styles.quiet}>What is on the page now comes back with Undo.</p>
      </div>
    </Modal>
  );
}
