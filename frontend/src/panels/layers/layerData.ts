/** What a layer in the list is drawn from. */

import type { Layer, LayerComparison } from "@/api/types";
import type { Reading } from "@/state/session";

/** What all layers have in common, and change together. */
export interface Shared {
  reading: Reading;
  /** Followed tokens: id -> letter. */
  letters: ReadonlyMap<number, string>;
}

export interface LayerData {
  unedited: Layer;
  edited: Layer | null;
  comparison: LayerComparison | null;
}
