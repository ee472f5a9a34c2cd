/** Which way the imports of the page point: views → features → components → state → lib, api. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(__dirname, "..");
/** From the bottom up; those that stand together may import each other. */
const LEVELS = [
  ["lib", "api"],
  ["state"],
  ["components"],
  ["features"],
  ["views"],
  ["App", "main"],
];

const isCode = (name: string) => /\.tsx?$/.test(name) && !/\.(test|d)\.tsx?$/.test(name);

const files = readdirSync(ROOT, { recursive: true, encoding: "utf-8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => isCode(name) && !name.startsWith("test/"));

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;

/** A file of the page that another one names, types and later chunks included; null: a package. */
function target(from: string, named: string): string | null {
  const path = named.startsWith("@/")
    ? named.slice(2)
    : named.startsWith(".")
      ? relative(ROOT, resolve(ROOT, dirname(from), named))
      : null;
  if (path === null) return null;
  const found = ["", ".ts", ".tsx"].map((end) => path + end).find((each) => files.includes(each));
  if (!found && !/\.(css|json)$/.test(path) && !path.endsWith("schema"))
    throw new Error(`${from} imports ${named}, which is not found here`);
  return found ?? null;
}

const edges = new Map(
  files.map((file) => {
    const text = readFileSync(join(ROOT, file), "utf-8").replace(/\?worker"/g, '"');
    const named = [...text.matchAll(IMPORT)].map((match) => match[1] ?? "");
    return [file, named.flatMap((each) => target(file, each) ?? [])] as const;
  }),
);

const levelOf = (file: string): number => {
  const part = file.split("/")[0]?.replace(/\.tsx?$/, "") ?? "";
  return LEVELS.findIndex((level) => level.includes(part));
};
const featureOf = (file: string): string | null => /^features\/([^/]+)\//.exec(file)?.[1] ?? null;

/** The first circle that a graph has, as the way around it. */
function circle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const walk = (node: string, way: readonly string[]): string[] | null => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const found = walk(next, [...way, node]);
      if (found) return found;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const found = walk(node, []);
    if (found) return found;
  }
  return null;
}

describe("imports", () => {
  it("are read at all", () => {
    expect(files.length).toBeGreaterThan(150);
    expect(edges.get("main.tsx")).toContain("App.tsx");
    expect(edges.get("views/trace/TraceView.tsx")).toContain("features/why/WhyPanel.tsx");
    expect(
      circle(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["b"]],
        ]),
      ),
    ).toEqual(["b", "c", "b"]);
  });

  it("point down, or stay on their level", () => {
    expect(files.filter((file) => levelOf(file) < 0)).toEqual([]);
    const up = [...edges].flatMap(([from, all]) =>
      all.filter((to) => levelOf(to) > levelOf(from)).map((to) => `${from} -> ${to}`),
    );
    expect(up).toEqual([]);
  });

  it("go in no circle, neither of files nor of features", () => {
    expect(circle(edges)).toBeNull();
    const features = new Map<string, string[]>();
    for (const [from, all] of edges)
      for (const to of all) {
        const [own, other] = [featureOf(from), featureOf(to)];
        if (own && other && own !== other) features.set(own, [...(features.get(own) ?? []), other]);
      }
    expect(features.size).toBeGreaterThan(3);
    expect(circle(features)).toBeNull();
  });
});
