import { beforeEach, describe, expect, it } from "vitest";
import { layerId, moveOver, openOver, stepLayer, toggleOver, useLayers } from "./layers";

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
  useLayers.setState({ top: null, begun: false, over: null });
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
    expect(state()).toMatchObject({ top: to, begun: false, over: null });
  });

  it("does nothing where there is no list", () => {
    stepLayer(1, LAYERS);
    expect([scrolled, state().top]).toEqual([[], null]);
  });

  it("is one of the panel over the list, and ends at the ends", () => {
    useLayers.setState({ top: 0 });
    openOver("heads", 2);
    for (const to of [3, 3]) {
      stepLayer(1, LAYERS);
      expect(state()).toMatchObject({ top: 0, over: { panel: "heads", layer: to } });
    }
    moveOver(0);
    stepLayer(-1, LAYERS);
    expect(state().over?.layer).toBe(0);
    expect(scrolled).toEqual([]);
  });
});

describe("a panel about one layer", () => {
  it("is about the uppermost one in sight, else the one with the focus; then it closes", () => {
    toggleOver("heads");
    expect(state().over).toBeNull();
    useLayers.setState({ top: 2 });
    toggleOver("heads");
    expect(state().over?.layer).toBe(2);
    toggleOver("heads");
    expect(state().over).toBeNull();
    document.querySelector<HTMLElement>(`#${layerId(1)} button`)?.focus();
    toggleOver("heads");
    expect(state().over?.layer).toBe(1);
  });

  it("makes room for another about the same layer", () => {
    openOver("heads", 3);
    toggleOver("neurons");
    expect(state().over).toEqual({ panel: "neurons", layer: 3 });
    toggleOver("neurons");
    moveOver(1);
    expect(state().over).toBeNull();
  });
});
