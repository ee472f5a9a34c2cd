/** The trace as a table, and its ladder as a figure. What makes them is fetched when it is wanted. */

import * as Menu from "@radix-ui/react-dropdown-menu";
import { Download } from "lucide-react";
import type { TraceReply } from "@/api/types";
import { IconButton } from "@/components/Button";
import menu from "@/components/Menu.module.css";
import { MenuContent } from "@/components/MenuContent";
import { download, fileName, textFile } from "@/lib/download";
import { useNotice } from "@/state/notice";

type Format = "CSV" | "SVG" | "PNG";

const FORMATS: readonly { format: Format; what: string }[] = [
  { format: "CSV", what: "all layers, both runs" },
  { format: "SVG", what: "ladder as a drawing" },
  { format: "PNG", what: "ladder as a picture" },
];

async function save(format: Format, reply: TraceReply): Promise<void> {
  const name = fileName(format === "CSV" ? "trace" : "ladder", reply.prompt.slice(0, 40));
  if (format === "CSV") {
    const { traceCsv } = await import("./table");
    return download(`${name}.csv`, textFile(traceCsv(reply), "text/csv"));
  }
  const [{ ladderFigure }, files] = await Promise.all([
    import("./figure"),
    import("@/lib/svg-export"),
  ]);
  const figure = ladderFigure(reply);
  return format === "SVG" ? files.saveSvg(name, figure) : files.savePng(name, figure);
}

export function SaveTrace({ reply }: { reply: TraceReply }) {
  const onSelect = (format: Format) =>
    save(format, reply).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      useNotice.getState().show({ text: `The ${format} could not be made: ${reason}` });
    });
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger asChild>
        <IconButton label="Save the trace as a file">
          <Download aria-hidden />
        </IconButton>
      </Menu.Trigger>
      <MenuContent align="end">
        {FORMATS.map(({ format, what }) => (
          <Menu.Item key={format} className={menu.item} onSelect={() => void onSelect(format)}>
            <span className={menu.main}>{format}</span>
            <span className={menu.aside}>{what}</span>
          </Menu.Item>
        ))}
      </MenuContent>
    </Menu.Root>
  );
}
