/** The listed sub-updates as a table; effects are empty where no token was chosen. */

import type { SubUpdatesReply, TokenLogit } from "@/api/types";
import { type Cell, toCsv } from "@/lib/csv";

const HEAD = [
  "layer",
  "dimension",
  "coefficient",
  "unedited_coefficient",
  "score",
  "share",
  "effect",
  "pushes_up",
  "pushes_down",
];

/** As a JSON list: texts of tokens may hold any separator. */
const texts = (tokens: readonly TokenLogit[]): string =>
  JSON.stringify(tokens.map((token) => token.text));

export const subUpdatesCsv = (reply: SubUpdatesReply): string =>
  toCsv(
    HEAD,
    reply.sub_updates.map((update): Cell[] => [
      update.layer,
      update.dim,
      update.coefficient,
      update.unedited_coefficient,
      update.score,
      update.share,
      update.effect,
      texts(update.up),
      texts(update.down),
    ]),
  );
