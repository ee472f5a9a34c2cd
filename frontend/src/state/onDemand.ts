/** Parts of the page that are fetched when they are needed, from a server that may be away then. */

import { type ComponentType, lazy } from "react";
import { getVersion } from "@/api/client";
import { useConnection } from "@/api/connection";

const PAUSE = 3_000;

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE));

const answers = (): Promise<boolean> =>
  getVersion(new AbortController().signal).then(
    () => true,
    () => false,
  );

/** Resolves when the server answers again. */
const back = (): Promise<void> =>
  new Promise((resolve) => {
    const stop = useConnection.subscribe(({ lost }) => {
      if (lost) return;
      stop();
      resolve();
    });
  });

/**
 * What `load` gives, however long it takes: a view that fails to load would take the page with it.
 * A server that answers and does not have it is of another version, which only a reload mends.
 */
async function persist<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const part = await load();
      useConnection.setState({ incomplete: false });
      return part;
    } catch {
      const there = await answers();
      if (there) useConnection.setState({ incomplete: true });
      await (there ? pause() : back());
    }
  }
}

/** A component that is loaded when it is first shown; meanwhile `Suspense` shows its fallback. */
export const onDemand = <P extends object>(load: () => Promise<ComponentType<P>>) =>
  lazy(() => persist(async () => ({ default: await load() })));
