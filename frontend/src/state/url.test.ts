import { describe, expect, it } from "vitest";
import { emptyLink as empty } from "@/test/links";
import { plainPanels } from "@/test/panels";
import { type ExplorePlace, initialPlace } from "./explore";
import { newIntervention } from "./interventions";
import { providePanels } from "./panels";
import { decodeLink, decodeReference, encodeLink, type LinkState, MAX_LINK } from "./url";

providePanels(plainPanels);

const full: LinkState = {
  model: "org/gpt2-medium",
  prompt: "a;b=c&d#e?f%20 \n\t<script>“é😀” שלום+",
  interventions: [
    newIntervention({ layer: 3, dim: 7 }),
    { ...newIntervention({ layer: 0, dim: 0 }), kind: "on", enabled: false },
    { ...newIntervention({ layer: 5, dim: 9 }), kind: "scale", value: -1.5, positions: "last" },
    { ...newIntervention({ layer: 6, dim: 1 }), kind: "set", value: 1e-7, positions: [0, 3, -1] },
    { ...newIntervention({ layer: 7, dim: 2 }), kind: "add", value: 0.1, generated: false },
    { ...newIntervention({ layer: 7, dim: 3 }), kind: "off", positions: "last", generated: true },
    { ...newIntervention({ layer: 7, dim: 4 }), group: 3 },
    { ...newIntervention({ layer: 7, dim: 5 }), kind: "set", value: 2, enabled: false, group: 12 },
  ],
  groups: [
    { id: 12, name: "a*b_c;=&<b>“é😀” שלום", enabled: false, strength: -0.25, folded: true },
    { id: 3, name: "music", enabled: true, strength: 1, folded: false },
  ],
  position: 4,
  selection: { layer: 5, dim: 9 },
  reading: "difference",
  panel: "why",
  tokens: [12, 7],
  names: { L5D9: "music; songs = a*b_c", L3D7: "<img src=x onerror=alert(1)>" },
  explore: null,
};

const place: ExplorePlace = {
  page: "cluster",
  mode: "concepts",
  query: "music & song, -“школа”#",
  results: 200,
  normalised: true,
  layers: [0, 11],
  layer: 0,
  cluster: 0,
  seed: 3,
  sort: { by: "cohesion", descending: false },
  filter: "a=b",
};

describe("round trip", () => {
  it.each([
    ["nothing", empty],
    ["everything", full],
    ["an empty prompt", { ...empty, prompt: "" }],
  ])("gives back %s", (_, state) => {
    const { hash, complete } = encodeLink("trace", state);
    expect(complete).toBe(true);
    expect(decodeLink(hash)).toEqual({ view: "trace", page: null, state, problem: null });
  });

  it.each<[string, ExplorePlace]>([
    ["its beginning", initialPlace],
    ["every place", place],
    ["the cluster of a vector", { ...place, cluster: { layer: 0, dim: 12 } }],
    ["the map", { ...initialPlace, page: "map" }],
    ["a layer", { ...initialPlace, page: "layer" }],
    ["a vector", { ...initialPlace, page: "value" }],
  ])("gives back Explore: %s", (_, explore) => {
    const state = { ...full, explore };
    expect(decodeLink(encodeLink("explore", state).hash)).toEqual({
      view: "explore",
      page: explore.page,
      state,
      problem: null,
    });
  });

  it("leaves Explore out of a link to a trace", () => {
    expect(encodeLink("trace", { ...full, explore: place }).hash).toBe(
      encodeLink("trace", full).hash,
    );
  });

  it("survives being put into an address", () => {
    const url = new URL(`http://host/prefix/${encodeLink("trace", full).hash}`);
    expect(decodeLink(url.hash).state).toEqual(full);
  });
});

describe("versions", () => {
  it("refuses a newer one by saying so", () => {
    expect(decodeLink("#/explore?v=2&p=x")).toEqual({
      view: "explore",
      page: null,
      state: null,
      problem: "newer",
    });
  });

  it.each(["", "#", "#/", "#/nowhere", "#/trace", "#/trace?p=without+version"])(
    "finds no state in %j",
    (hash) => {
      expect(decodeLink(hash)).toEqual({ view: "trace", page: null, state: null, problem: null });
    },
  );
});

describe("size", () => {
  it("leaves out names first, then prompt and interventions, and admits it", () => {
    const names = { L1D1: "n".repeat(MAX_LINK) };
    const unnamed = encodeLink("trace", { ...full, names });
    expect(unnamed.complete).toBe(false);
    const groups = full.groups.map((group) => ({ ...group, name: "" }));
    expect(decodeLink(unnamed.hash).state).toEqual({ ...full, groups, names: {} });
    const small = encodeLink("trace", { ...full, prompt: "p".repeat(MAX_LINK) });
    expect(small.complete).toBe(false);
    expect(small.hash.length).toBeLessThanOrEqual(MAX_LINK);
    expect(decodeLink(small.hash).state).toMatchObject({
      prompt: null,
      interventions: [],
      groups: [],
      selection: full.selection,
    });
  });

  it("does not read an endless address", () => {
    expect(decodeLink(`#/trace?v=1&p=${"x".repeat(200_000)}`).problem).toBe("too-long");
  });
});

describe("hostile input", () => {
  it.each([
    ["L1D2", "no kind"],
    ["L1D2*explode", "an unknown kind"],
    ["L-1D2*off", "a negative layer"],
    ["L1.5D2*off", "a fraction"],
    ["L9999999999D1*off", "a huge layer"],
    ["L1D2*set", "a value that is missing"],
    ["L1D2*set*", "an empty value"],
    ["L1D2*set*NaN", "not a number"],
    ["L1D2*scale*Infinity", "infinity"],
    ["<script>*off", "markup"],
    ["__proto__*on", "a prototype"],
  ])("leaves out %s (%s) and keeps its neighbours", (item) => {
    const link = decodeLink(`#/trace?v=1&i=L0D1*on_${encodeURIComponent(item)}_L0D2*off`);
    expect(link.state?.interventions.map(({ dim }) => dim)).toEqual([1, 2]);
  });

  it.each(["x", "-1", "1e3", "1.5", "", "99999999999"])("ignores the position %j", (text) => {
    expect(decodeLink(`#/trace?v=1&t=${text}`).state?.position).toBeNull();
  });

  it("takes broken escapes, repeated keys and unknown words as they come", () => {
    const link = decodeLink(
      "#/trace?v=1&p=%E0%A4%A&p=second&r=upside-down&s=LxDy&n=__proto__*x&n=*",
    );
    expect(link.state).toMatchObject({ reading: "edited", selection: null, names: {} });
    expect(link.state?.prompt).toContain("\ufffd");
  });

  it("reads at most a thousand interventions", () => {
    const items = Array.from({ length: 1200 }, (_, dim) => `L0D${dim}*off`).join("_");
    expect(decodeLink(`#/trace?v=1&i=${items}`).state?.interventions).toHaveLength(1000);
  });
});

describe("hostile places", () => {
  it.each([
    ["qn=0", { results: null }],
    ["qn=many", { results: null }],
    ["ql=5-3", { layers: null }],
    ["ql=1-2-3", { layers: null }],
    ["ql=-", { layers: null }],
    ["c=-1", { cluster: null }],
    ["c=L1D", { cluster: null }],
    ["cs=1e9", { seed: 0 }],
    ["o=-__proto__", { sort: initialPlace.sort }],
    ["k=telepathy", { mode: "keywords" }],
  ])("ignores %s", (query, expected) => {
    expect(decodeLink(`#/explore/map?v=1&${query}`).state?.explore).toMatchObject(expected);
  });

  it.each(["#/explore/nowhere?v=1", "#/explore?v=1", "#/explore/map/more?v=1"])(
    "begins with search at %s",
    (hash) => {
      expect(decodeLink(hash).state?.explore?.page).toBe("search");
    },
  );
});

describe("the reference's keys", () => {
  it.each([
    ["?keywords=music,+song", { page: "search", query: "music, song" }, null],
    ["?keywords=music&L=3&D=7", { page: "search", query: "music" }, { layer: 3, dim: 7 }],
    ["?L=3&D=7", { page: "value", query: "" }, { layer: 3, dim: 7 }],
    ["?keywords=a&L=3&D=7&visualize=true", { page: "value", query: "a" }, { layer: 3, dim: 7 }],
    [
      "?L=0&D=0&visualize=true&visualize_cluster=True",
      { page: "cluster", cluster: { layer: 0, dim: 0 } },
      { layer: 0, dim: 0 },
    ],
    ["?keywords=music&visualize=true", { page: "search", query: "music" }, null],
  ])("lead from %s to the same", (search, explore, selection) => {
    const found = decodeReference(search);
    expect(found?.explore).toMatchObject(explore);
    expect(found?.selection).toEqual(selection);
  });

  it.each(["", "?", "?utm=1", "?keywords=+", "?L=x&D=1", "?L=1", "?visualize=true"])(
    "are not found in %j",
    (search) => {
      expect(decodeReference(search)).toBeNull();
    },
  );
});
