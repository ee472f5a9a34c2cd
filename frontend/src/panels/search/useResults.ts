/** How many results a search shows: as many as were wished, as far as the server lists so many. */

import { useLimits } from "@/api/queries";
import { type Mode, USUAL_RESULTS, useExplore } from "@/state/explore";

export function useResults(mode: Mode): number {
  const wished = useExplore((state) => state.results) ?? USUAL_RESULTS[mode];
  return Math.min(wished, useLimits().max_top_k);
}
