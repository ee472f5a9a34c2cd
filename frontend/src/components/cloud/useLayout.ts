/** The layout of a cloud, from the worker; each one is computed once. */

import { useQuery } from "@tanstack/react-query";
import type { Layout, LayoutRequest } from "./layout";
import { type CloudWord, wordText } from "./words";

type Waiting = { resolve(layout: Layout): void; reject(cause: unknown): void };

let worker: Worker | null = null;
let count = 0;
const waiting = new Map<number, Waiting>();

function start(): Worker {
  const made = new Worker(new URL("./cloud.worker.ts", import.meta.url), { type: "module" });
  made.onmessage = ({ data }: MessageEvent<{ id: number; layout: Layout }>) => {
    waiting.get(data.id)?.resolve(data.layout);
    waiting.delete(data.id);
  };
  made.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
    worker = null;
  };
  return made;
}

function layOut(request: LayoutRequest): Promise<Layout> {
  worker ??= start();
  const id = ++count;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker?.postMessage({ id, request });
  });
}

/** The page's own monospaced face. */
export const cloudFont = (): string =>
  getComputedStyle(document.documentElement).getPropertyValue("--mono").trim();

/** `shape` null: not known yet. */
export function useLayout(words: readonly CloudWord[], shape: number | null) {
  const sizes = words.map((word) => ({ text: wordText(word), size: word.size }));
  return useQuery({
    queryKey: ["cloud", shape, sizes],
    queryFn: () => layOut({ words: sizes, shape: shape ?? 1, font: cloudFont() }),
    enabled: words.length > 0 && shape !== null,
    retry: false,
  });
}
