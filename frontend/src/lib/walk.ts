import type { KeyboardEvent } from "react";

/** What the arrow keys stop at: rows about vectors, and what can be done with tokens and layers. */
const STOPS = "[data-node], [data-follow], [data-stop]";

/** Up and down walk through a column, over all layers, so that Tab need not. */
function alongside(root: HTMLElement, here: HTMLElement, step: number): HTMLElement | undefined {
  const column = here.closest<HTMLElement>("[data-column]")?.dataset.column;
  const within = column === undefined ? "" : `[data-column="${column}"] `;
  const selector = STOPS.split(", ").map((stop) => within + stop);
  const all = [...root.querySelectorAll<HTMLElement>(selector.join(", "))];
  return all[all.indexOf(here) + step];
}

/** Left and right go to the same row of the column beside it, in the same layer. */
function across(here: HTMLElement, step: number): HTMLElement | undefined {
  const column = here.closest<HTMLElement>("[data-column]");
  const columns = [
    ...(column?.parentElement?.querySelectorAll<HTMLElement>("[data-column]") ?? []),
  ];
  const next = column && columns[columns.indexOf(column) + step];
  if (!next) return undefined;
  const rows = (of: HTMLElement) => [
    ...of.querySelectorAll<HTMLElement>(`:scope > ol :is(${STOPS})`),
  ];
  const row = Math.max(0, rows(column).indexOf(here));
  return rows(next)[Math.min(row, rows(next).length - 1)];
}

export function walk(event: KeyboardEvent<HTMLElement>): void {
  const here = event.target;
  if (!(here instanceof HTMLElement) || !here.matches(STOPS)) return;
  const vertical = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const horizontal = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const next = vertical
    ? alongside(event.currentTarget, here, vertical)
    : horizontal
      ? across(here, horizontal)
      : undefined;
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}
