/** Small hooks that know nothing of this application. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";

/**
 * A value that changes at most once per `pace` milliseconds: the first change passes at once, of
 * those that follow too quickly only the last one does.
 */
export function useCoalesced<T>(value: T, pace: number): T {
  const [shown, setShown] = useState(value);
  const passed = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    if (Object.is(value, shown)) return;
    const wait = passed.current + pace - performance.now();
    const pass = () => {
      passed.current = performance.now();
      setShown(value);
    };
    if (wait <= 0) {
      pass();
      return;
    }
    const timer = setTimeout(pass, wait);
    return () => clearTimeout(timer);
  }, [value, shown, pace]);
  return shown;
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => matchMedia(query).matches,
  );
}

/** Below this width details are a sheet and the ladder a row. */
export const useNarrow = (): boolean => useMedia("(max-width: 1023px)");
