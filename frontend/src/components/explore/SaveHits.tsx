/** Found vectors as a CSV file. */

import { Download } from "lucide-react";
import type { Hit } from "@/api/types";
import { IconButton } from "@/components/Button";
import { toCsv } from "@/lib/csv";
import { download, fileName, textFile } from "@/lib/download";

const HEAD = ["layer", "dimension", "score", "tokens"];

export function SaveHits({ hits, query }: { hits: readonly Hit[]; query: string }) {
  const save = () => {
    const rows = hits.map((hit) => [
      hit.layer,
      hit.dim,
      hit.score,
      JSON.stringify(hit.tokens.map((token) => token.text)),
    ]);
    download(`${fileName("vectors", query)}.csv`, textFile(toCsv(HEAD, rows), "text/csv"));
  };
  return (
    <IconButton label="Save as CSV" onClick={save}>
      <Download aria-hidden />
    </IconButton>
  );
}
