import type { LinkState } from "@/state/url";

/** A link that says nothing. */
export const emptyLink: LinkState = {
  model: null,
  prompt: null,
  interventions: [],
  groups: [],
  position: null,
  selection: null,
  reading: "edited",
  panel: "layers",
  tokens: [],
  names: {},
  explore: null,
};
