/**
 * Bars behind rows. The style sheet draws them as background images and places them; how long they are
 * is written out, because rows change by the hundred: a custom property that each row computes with
 * costs the browser ten times as much.
 */

import type { CSSProperties } from "react";

const percent = (share: number): string =>
  `${Math.round(Math.min(Math.max(share, 0), 1) * 1e4) / 100}%`;

/** As high as a row's bar is. */
const HEIGHT = "18px";

export const barStyle = (share: number): CSSProperties => ({
  backgroundSize: `${percent(share)} ${HEIGHT}`,
});

/** The unedited run's above the edited one's, which is drawn second. */
export const pairStyle = (unedited: number, edited: number): CSSProperties => ({
  backgroundSize: `${percent(unedited)} 8px, ${percent(edited)} 10px`,
});
