/** The part of a long row of equal things that is in sight, and always the one with the keyboard. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useLayoutEffect } from "react";

const OVERSCAN = 2;

interface Options {
  scroller: RefObject<HTMLElement | null>;
  horizontal: boolean;
  count: number;
  /** Of each one, in pixels. */
  size: number;
  /** What stands before them and does not scroll away. */
  head: number;
  /** Always there, in sight or not. */
  kept: number;
}

export function useWindow({ scroller, horizontal, count, size, head, kept }: Options) {
  const rangeExtractor = useCallback(
    (range: { startIndex: number; endIndex: number; count: number }) => {
      const first = Math.max(range.startIndex - OVERSCAN, 0);
      const last = Math.min(range.endIndex + OVERSCAN, range.count - 1);
      const shown = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      return kept < first ? [kept, ...shown] : kept > last ? [...shown, kept] : shown;
    },
    [kept],
  );
  const items = useVirtualizer({
    horizontal,
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => size,
    paddingStart: head,
    scrollPaddingStart: head,
    rangeExtractor,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the sizes change
  useLayoutEffect(() => items.measure(), [size, head]);
  return items;
}
