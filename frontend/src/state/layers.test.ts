import { beforeEach, describe, expect, it } from "vitest";
import { layerId, openSubUpdates, stepLayer, toggleSubUpdates, useLayers } from "./layers";

const LAYERS = 4;
let scrolled: string[] = [];

beforeEach(() => {
  scrolled = [];
  Element.prototype.scrollIntoView = function scroll() {
    scrolled.push(this.id);
  };
  window.matchMedia = () => ({ matches: true }) as MediaQueryList;
  const row = (_: unknown, layer: number) =>
    `<li id="${layerId(layer)}" data-layer="${layer}"><button>${layer}</button></li>`;
  document.body.innerHTML = Array.from({ length: LAYERS }, row).join("");
  useLayers.setState({ top: null, begun: false, open: null });
});

const state = () => useLayers.getState();

describe("a step through the layers", () => {
  it.each([
    // where the list stands, which way, where it leads
    [{ top: 1, begun: false }, 1, 2],
    [{ top: 1, begun: true }, 1, 2],
    [{ top: 1, begun: false }, -1, 0],
    [{ top: 1, begun: true }, -1, 1],
    [{ top: 0, begun: false }, -1, 0],
    [{ top: 3, begun: true }, 1, 3],
  ] as const)("from %o by %d leads to %d", (from, by, to) => {
    useLayers.setState(from);
    stepLayer(by, LAYERS);
    expect(scrolled).toEqual([layerId(to)]);
    expect(state()).toMatchObject({ top: to, begun: false, open: null });
  });

  it("does nothing where there is no list", () => {
    stepLayer(1, LAYERS);
    expect([scrolled, state().top]).toEqual([[], null]);
  });

  it("is one of the open sub-updates, and ends at the ends", () => {
    useLayers.setState({ top: 0 });
    openSubUpdates(2);
    for (const to of [3, 3]) {
      stepLayer(1, LAYERS);
      expect(state()).toMatchObject({ top: 0, open: to });
    }
    openSubUpdates(0);
    stepLayer(-1, LAYERS);
    expect(state().open).toBe(0);
    expect(scrolled).toEqual([]);
  });
});

describe("the sub-updates of a layer", () => {
  it("are those of the uppermost one in sight, else of the one with the focus; then they close", () => {
    toggleSubUpdates();
    expect(state().open).toBeNull();
    useLayers.setState({ top: 2 });
    toggleSubUpdates();
    expect(state().open).toBe(2);
    toggleSubUpdates();
    expect(state().open).toBeNull();
    document.querySelector<HTMLElement>(`#${layerId(1)} button`)?.focus();
    toggleSubUpdates();
    expect(state().open).toBe(1);
  });
});
