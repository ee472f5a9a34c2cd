/** Both texts at once: to the clipboard, as a text file, or as a table. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Copy, Download, FileText, Sheet } from "lucide-react";
import { IconButton } from "@/components/Button";
import { copyText } from "@/components/CopyButton";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { download, fileName, textFile } from "@/lib/download";
import { useGeneration } from "@/state/generation";
import { useNotice } from "@/state/notice";
import { asCsv, asText } from "./save";

function make(what: "copy" | "text" | "table"): void {
  const { question, runs } = useGeneration.getState();
  if (!question) return;
  const name = fileName("generated", question.prompt.slice(0, 40));
  if (what === "table") download(`${name}.csv`, textFile(asCsv(runs), "text/csv"));
  else if (what === "text") download(`${name}.txt`, textFile(asText(question, runs), "text/plain"));
  else {
    const { show } = useNotice.getState();
    copyText(asText(question, runs)).then(
      () => show({ text: "Copied." }),
      () => show({ text: "The browser does not allow copying here; save the text instead." }),
    );
  }
}

export function SaveMenu() {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label="Save or copy what was generated">
          <Download aria-hidden />
        </IconButton>
      </Menu.Trigger>
      <MenuContent align="end">
        <Menu.Item className={menu.item} onSelect={() => make("copy")}>
          <Copy aria-hidden /> <span className={menu.main}>Copy all text</span>
        </Menu.Item>
        <Menu.Item className={menu.item} onSelect={() => make("text")}>
          <FileText aria-hidden /> <span className={menu.main}>Save text</span>
        </Menu.Item>
        <Menu.Item className={menu.item} onSelect={() => make("table")}>
          <Sheet aria-hidden />
          <span className={menu.main}>
            Save CSV<small>tokens, probabilities, alternatives</small>
          </span>
        </Menu.Item>
      </MenuContent>
    </Menu.Root>
  );
}
