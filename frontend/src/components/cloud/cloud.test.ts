import { describe, expect, it } from "vitest";
import type { TokenLogit } from "@/api/types";
import { type LayoutRequest, layoutCloud } from "./layout";
import { cloudWords, LARGEST, SMALLEST, wordText } from "./words";

const token = (text: string, logit: number, hex: string | null = null): TokenLogit => ({
  id: text.length,
  text,
  hex,
  piece: text,
  logit,
});

describe("the words of a cloud", () => {
  it("grow with the logit; negative logits count as 0", () => {
    const words = cloudWords([token("a", 4), token("b", 2), token("c", 0), token("d", -3)]);
    expect(words.map(({ share }) => share)).toEqual([1, 0.5, 0, 0]);
    expect(words.map(({ size }) => size)).toEqual([
      LARGEST,
      Math.round(SMALLEST + (LARGEST - SMALLEST) / 4),
      SMALLEST,
      SMALLEST,
    ]);
  });

  it("are all small where nothing is promoted", () => {
    expect(cloudWords([token("a", -1), token("b", -2)]).map(({ size }) => size)).toEqual([
      SMALLEST,
      SMALLEST,
    ]);
  });

  it("show invisible characters by their marks, bytes as hex, long ones cut", () => {
    const texts = cloudWords([
      token(" man", 1),
      token("\n", 1),
      token("\ufffd", 1, "e2 80"),
      token("x".repeat(40), 1),
    ]).map(wordText);
    expect(texts).toEqual(["·man", "⏎", "e2 80", `${"x".repeat(21)}…`]);
  });
});

/** What d3-cloud needs of a canvas: letters are solid boxes of 0.6 by 0.7 font sizes. */
function boxCanvas() {
  const canvas = { width: 0, height: 0, getContext: () => context };
  let filled: [number, number, number, number][] = [];
  let origin: [number, number] = [0, 0];
  const saved: [number, number][] = [];
  const size = () => Number(/(\d+)px/.exec(context.font)?.[1] ?? 0);
  const context = {
    font: "",
    save: () => void saved.push([...origin]),
    restore: () => {
      origin = saved.pop() ?? [0, 0];
    },
    translate: (x: number, y: number) => {
      origin = [origin[0] + x, origin[1] + y];
    },
    rotate: () => undefined,
    strokeText: () => undefined,
    clearRect: () => {
      filled = [];
    },
    measureText: (text: string) => ({ width: text.length * size() * 0.6 }),
    fillText: (text: string, x: number, y: number) => {
      const width = text.length * size() * 0.6;
      filled.push([origin[0] + x, origin[1] + y - size() * 0.7, width, size() * 0.7]);
    },
    getImageData: (_x: number, _y: number, width: number, height: number) => {
      const data = new Uint8ClampedArray(width * height * 4);
      for (const [left, top, wide, high] of filled)
        for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, top + high); y += 1)
          for (let x = Math.max(0, Math.floor(left)); x < Math.min(width, left + wide); x += 1)
            data[(y * width + x) * 4] = 255;
      return { data };
    },
  };
  return canvas;
}

describe("the layout", () => {
  const request: LayoutRequest = {
    words: Array.from({ length: 50 }, (_, rank) => ({
      text: `word${rank}`.slice(0, 3 + (rank % 4)),
      size: 46 - Math.floor(rank * 0.6),
    })),
    shape: 1.1,
    font: "monospace",
  };

  it("is the same every time, places every word and lets none overlap", () => {
    const layout = layoutCloud(request, boxCanvas);
    expect(layoutCloud(request, boxCanvas)).toEqual(layout);
    expect(layout.places.map(({ size }) => size)).toEqual(request.words.map(({ size }) => size));
    const boxes = layout.places.map(({ x, y, size }, index) => {
      const width = (request.words[index]?.text.length ?? 0) * size * 0.6;
      return { left: x - width / 2, right: x + width / 2, top: y - size * 0.7, bottom: y };
    });
    boxes.forEach((a, index) => {
      for (const b of boxes.slice(index + 1))
        expect(
          a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top,
        ).toBe(true);
      expect(a.left).toBeGreaterThanOrEqual(layout.box.x);
      expect(a.right).toBeLessThanOrEqual(layout.box.x + layout.box.width);
    });
  });

  it("has an empty drawing for no words", () => {
    expect(layoutCloud({ ...request, words: [] }, boxCanvas).places).toEqual([]);
  });
});
