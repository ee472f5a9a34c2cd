/**
 * What the model at hand makes of the page's words (rules 19 to 22): "before" and "on" mean other
 * things in models that GPT-2's rules do not cover.
 */

import type { Model, Reading } from "@/api/types";

type Built = Pick<Model, "gated" | "parallel" | "post_norm"> | null;

export const READINGS: Record<Reading, string> = {
  raw: "raw",
  lens: "lens",
  exact: "exact",
  own_norm: "own norm",
};

const EXPLAINED: Record<Reading, string> = {
  raw: "The unembedding times the vector itself, without any norm: what it pushes up and down, not a probability.",
  lens: "The state through the final norm and the unembedding, as if the model ended there: probabilities.",
  exact:
    "What each part adds to the logit, the final norm’s statistics frozen at the last state, so that parts add up.",
  own_norm: "Through the final norm with statistics of its own, as if it were a state by itself.",
};

export function explainReading(reading: Reading, model: Built): string {
  const own =
    reading === "raw" && model?.post_norm
      ? " This model has a norm behind its FFN, so a value vector v is read as its direction γ ⊙ v."
      : reading === "lens" && model?.parallel
        ? " “Before” is after without the FFN’s part, as this model’s blocks are parallel."
        : "";
  return EXPLAINED[reading] + own;
}

export const explainBefore = (model: Built): string =>
  model?.parallel
    ? "After without the FFN’s part: attention and FFN of this model read the same residual"
    : "The residual that the layer’s FFN is added to";

/** What a card's switch says when it is on. */
export const onWords = (model: Built): string => (model?.gated ? "on, by score" : "on");

export const explainOn = (model: Built): string =>
  model?.gated
    ? "On sets the coefficient so that its score is the layer’s largest + 0.01; its sign stays"
    : "On writes the layer’s largest score + 0.01 before the activation";
