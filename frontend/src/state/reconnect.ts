/**
 * Notices that the server went away, came back or was started anew, and brings the page up to date.
 *
 * What the person typed is no business of the server, so nothing of it changes here: questions that
 * failed are asked again, and after a restart all of them, since its models may be others.
 */

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { getVersion } from "@/api/client";
import { identified, missed, useConnection } from "@/api/connection";

/** Milliseconds between two looks: while all is well, and while nobody answers. */
const AT_REST = 20_000;
const AWAY = 1_500;
/** After so long without an answer to so small a question, nobody counts as there. */
const PATIENCE = 15_000;

async function look(client: QueryClient, ended: AbortSignal): Promise<void> {
  const given = new AbortController();
  const giveUp = () => given.abort();
  const timer = setTimeout(() => {
    missed();
    giveUp();
  }, PATIENCE);
  ended.addEventListener("abort", giveUp);
  try {
    if (identified(await getVersion(given.signal))) {
      client.removeQueries({ type: "inactive" });
      await client.invalidateQueries();
    }
  } finally {
    clearTimeout(timer);
    ended.removeEventListener("abort", giveUp);
  }
}

const askAgain = (client: QueryClient): Promise<void> =>
  client.refetchQueries({
    type: "active",
    predicate: ({ state, queryKey }) => state.status === "error" || queryKey[0] === "models",
  });

/** Look now and then until `ended`; sooner when the window is shown or the network is back. */
function watch(client: QueryClient, ended: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;
  const now = async () => {
    clearTimeout(timer);
    // Nobody sees a hidden tab; it looks when it is shown again.
    if (looking || ended.aborted || document.visibilityState === "hidden") return;
    looking = true;
    await look(client, ended).catch(() => undefined);
    looking = false;
    soon();
  };
  const soon = () => {
    clearTimeout(timer);
    if (ended.aborted) return;
    timer = setTimeout(() => void now(), useConnection.getState().lost ? AWAY : AT_REST);
  };
  const stop = useConnection.subscribe((state, before) => {
    if (state.lost === before.lost) return;
    if (state.lost) soon();
    else void askAgain(client);
  });
  const wake = () => void now();
  window.addEventListener("online", wake, { signal: ended });
  document.addEventListener("visibilitychange", wake, { signal: ended });
  ended.addEventListener("abort", () => {
    clearTimeout(timer);
    stop();
  });
  void now();
}

export function useReconnect(): void {
  const client = useQueryClient();
  useEffect(() => {
    const ended = new AbortController();
    watch(client, ended.signal);
    return () => ended.abort();
  }, [client]);
}
