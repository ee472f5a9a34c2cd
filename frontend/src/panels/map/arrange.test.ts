import { describe, expect, it } from "vitest";
import type { ClusterSummary } from "@/api/types";
import { arrange } from "./arrange";

const cluster = (
  id: number,
  words: string[],
  layers: number[],
  cohesion: number,
): ClusterSummary => ({
  id,
  size: layers.reduce((sum, count) => sum + count, 0),
  label: words.map((text, index) => ({ id: index, text, hex: null })),
  layers,
  cohesion,
});

const CLUSTERS = [
  cluster(0, [" music", " song"], [1, 0, 3], 0.5),
  cluster(1, [" Music", "al"], [4, 0, 0], 0.9),
  cluster(2, [" school"], [0, 9, 0], 0.1),
];

const ids = (by: "id" | "size" | "layer" | "cohesion", descending: boolean, filter = "") =>
  arrange(CLUSTERS, { by, descending }, filter).map(({ id }) => id);

describe("the map's order", () => {
  it("is by any column, ties by number", () => {
    expect(ids("size", true)).toEqual([2, 0, 1]);
    expect(ids("size", false)).toEqual([0, 1, 2]);
    expect(ids("layer", false)).toEqual([1, 2, 0]);
    expect(ids("cohesion", true)).toEqual([1, 0, 2]);
    expect(ids("id", true)).toEqual([2, 1, 0]);
  });
});

describe("the map's search", () => {
  it.each([
    ["MUSIC", [0, 1]],
    ["song, school", [0, 2]],
    [" , ", [0, 1, 2]],
    ["zebra", []],
  ])("for %j finds %j", (filter, expected) => {
    expect(ids("id", false, filter)).toEqual(expected);
  });
});
