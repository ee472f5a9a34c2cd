/**
 * Which way the imports of the page point: views → panels → components → state → api, lib. No panel
 * imports another, nor the list of them; no view another.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(__dirname, "..");

/** What each part may import beside itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  lib: ["api/types.ts"],
  api: ["lib"],
  state: ["api", "lib"],
  components: ["state", "api", "lib"],
  panels: ["components", "state", "api", "lib"],
  views: ["panels", "components", "state", "api", "lib"],
  "App.tsx": ["views", "panels", "components", "state", "api", "lib"],
  "main.tsx": ["App.tsx", "panels", "state"],
};
/** Their folders keep apart; what lies beside the folders is for all of them, or (a list) about all. */
const APART: readonly string[] = ["panels", "views"];
const LIST = "panels/panels.ts";

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
  if (!found && !/\.css$/.test(path) && path !== "api/schema")
    throw new Error(`${from} imports ${named}, which is not found here`);
  // Styles have an owner, too.
  return found ?? (path.endsWith(".css") ? path : null);
}

const edges = new Map(
  files.map((file) => {
    const text = readFileSync(join(ROOT, file), "utf-8").replace(/\?worker"/g, '"');
    const named = [...text.matchAll(IMPORT)].map((match) => match[1] ?? "");
    return [file, named.flatMap((each) => target(file, each) ?? [])] as const;
  }),
);

const partOf = (file: string): string => file.split("/")[0] ?? "";
/** `panels/grid/GridTable.tsx` is in `grid`, `views/Dock.tsx` in none. */
const folderOf = (file: string): string | null => /^[^/]+\/([^/]+)\//.exec(file)?.[1] ?? null;

/** Whether one file of the page may import another. */
function isAllowed(from: string, to: string): boolean {
  if (from === "main.tsx" && to.startsWith("styles/")) return true;
  const [own, other] = [partOf(from), partOf(to)];
  // App.tsx has its style beside it.
  if (own !== other)
    return (
      (to.endsWith(".css") && `${own.replace(/tsx$/, "module.css")}` === to) ||
      (ARROWS[own] ?? []).some((each) => each === other || each === to)
    );
  if (!APART.includes(own) || from === LIST) return true;
  if (to === LIST) return false;
  const [inside, at] = [folderOf(from), folderOf(to)];
  return at === inside || (own === "views" && at === null);
}

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
    expect(edges.get(LIST)).toContain("panels/why/WhyPanel.tsx");
    expect(edges.get("views/trace/TraceView.tsx")).toContain("panels/generate/GenerateResult.tsx");
  });

  it("point one way", () => {
    expect([...new Set(files.map(partOf))].filter((part) => !(part in ARROWS))).toEqual([]);
    const wrong = [...edges].flatMap(([from, all]) =>
      all.filter((to) => !isAllowed(from, to)).map((to) => `${from} -> ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ["panels/grid/GridPanel.tsx", "views/trace/TraceView.tsx"],
    ["components/Token.tsx", "panels/why/marks.ts"],
    ["state/session.ts", "components/Token.tsx"],
    ["state/session.ts", LIST],
    ["api/client.ts", "state/session.ts"],
    ["lib/diff.ts", "api/client.ts"],
    ["panels/sub-updates/SubUpdatesPanel.tsx", "panels/why/useWhy.ts"],
    ["panels/sub-updates/SubUpdatesPanel.tsx", "panels/why/WhyPanel.module.css"],
    ["panels/layers/Layers.tsx", LIST],
    ["views/trace/TraceView.tsx", "views/explore/ExploreView.tsx"],
    ["views/Dock.tsx", "views/trace/TraceView.tsx"],
  ])("would be found wrong: %s -> %s", (from, to) => {
    expect(isAllowed(from, to)).toBe(false);
  });

  it.each([
    ["panels/grid/GridPanel.tsx", "panels/grid/GridPanel.module.css"],
    ["lib/diff.ts", "api/types.ts"],
    [LIST, "panels/grid/GridPanel.tsx"],
    ["views/trace/TraceView.tsx", "views/Workbench.tsx"],
    ["App.tsx", "App.module.css"],
  ])("would be found right: %s -> %s", (from, to) => {
    expect(isAllowed(from, to)).toBe(true);
  });

  it("go in no circle, neither of files nor of the components' folders", () => {
    const graph = (...pairs: [string, string[]][]) => new Map(pairs);
    expect(circle(graph(["a", ["b"]], ["b", ["c"]], ["c", ["b"]]))).toEqual(["b", "c", "b"]);
    expect(circle(edges)).toBeNull();
    const folders = new Map<string, string[]>();
    for (const [from, all] of edges)
      for (const to of all) {
        if (partOf(from) !== "components" || partOf(to) !== "components") continue;
        const [own, other] = [folderOf(from) ?? "", folderOf(to) ?? ""];
        if (own !== other) folders.set(own, [...(folders.get(own) ?? []), other]);
      }
    expect(folders.size).toBeGreaterThan(1);
    expect(circle(folders)).toBeNull();
  });
});
