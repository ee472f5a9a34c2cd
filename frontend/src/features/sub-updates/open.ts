/** Which layer's sub-updates stand in the place of the list of layers. */

import { create } from "zustand";

export const useOpenSubUpdates = create<{ layer: number | null }>()(() => ({ layer: null }));

export const openSubUpdates = (layer: number): void => useOpenSubUpdates.setState({ layer });
export const closeSubUpdates = (): void => useOpenSubUpdates.setState({ layer: null });

/** The next or previous layer, if one is open. */
export function stepSubUpdates(by: number, layers: number): boolean {
  const { layer } = useOpenSubUpdates.getState();
  if (layer === null) return false;
  openSubUpdates(Math.max(0, Math.min(layer + by, layers - 1)));
  return true;
}

/** Of the layer that has the keyboard's focus, else of the uppermost one in sight; or close them. */
export function toggleSubUpdates(): void {
  if (useOpenSubUpdates.getState().layer !== null) {
    closeSubUpdates();
    return;
  }
  const rows = [...document.querySelectorAll<HTMLElement>("li[id^='layer-']")];
  const list = rows[0]?.closest("ol")?.parentElement?.parentElement;
  const top = (list?.getBoundingClientRect().top ?? 0) + 60;
  const here = document.activeElement?.closest<HTMLElement>("li[id^='layer-']");
  const layer = here
    ? rows.indexOf(here)
    : rows.findIndex((row) => row.getBoundingClientRect().bottom > top);
  if (layer >= 0) openSubUpdates(layer);
}
