/** A file that is dropped anywhere on the page, or a run that is pasted outside a text box, opens. */

import { FolderOpen } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";
import { isTyping } from "@/lib/keys";
import type { Here } from "./actions";
import styles from "./DropTarget.module.css";
import { withActions } from "./later";
import { useShare } from "./store";

const bringsFiles = (event: DragEvent): boolean =>
  event.dataTransfer?.types.includes("Files") ?? false;

/** What it cannot be is not looked at: pasted text belongs to the page only if it says so. */
const isOurs = (text: string): boolean =>
  /^\s*\{/.test(text) && /"format"\s*:\s*"lm-debugger-/.test(text);

export function DropTarget({ here }: { here: Here }) {
  const [over, setOver] = useState(false);
  const open = useEffectEvent((files: readonly File[]) => {
    const [file, ...more] = files;
    if (!file) return;
    if (more.length === 0) withActions(({ openFile }) => openFile(file, here));
    else
      useShare.getState().show({
        kind: "open",
        problem: { file: `${files.length} files`, sentence: "Drop one file at a time." },
      });
  });
  const paste = useEffectEvent((event: ClipboardEvent) => {
    if (isTyping(event.target) || !event.clipboardData) return;
    const files = [...event.clipboardData.files];
    const text = event.clipboardData.getData("text/plain");
    if (files.length > 0) open(files);
    else if (isOurs(text)) withActions(({ openText }) => openText(text, "What you pasted", here));
    else return;
    event.preventDefault();
  });
  useEffect(() => {
    const onDragOver = (event: DragEvent) => {
      if (!bringsFiles(event)) return;
      // Without this the browser would leave the page for the file.
      event.preventDefault();
      setOver(true);
    };
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      setOver(false);
      if (!bringsFiles(event)) return;
      event.preventDefault();
      open([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener("dragover", onDragOver);
    window.addEventListener("dragleave", onDragLeave);
    window.addEventListener("drop", onDrop);
    window.addEventListener("paste", paste);
    return () => {
      window.removeEventListener("dragover", onDragOver);
      window.removeEventListener("dragleave", onDragLeave);
      window.removeEventListener("drop", onDrop);
      window.removeEventListener("paste", paste);
    };
  }, []);
  if (!over) return null;
  return (
    <div className={styles.target} data-testid="drop-target">
      <p>
        <FolderOpen aria-hidden /> Drop a run, or a file of names, to open it
      </p>
    </div>
  );
}
