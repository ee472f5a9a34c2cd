/** Small hooks that know nothing of this application. */

import { useSyncExternalStore } from "react";

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
