/**
 * Is there a server, does it answer in time, and is it the one that this page came from?
 *
 * Every request of `client.ts` tells how it went; `state/reconnect.ts` asks while nobody else does.
 */

import { create } from "zustand";

/** What `/version` says. */
export interface ServerVersion {
  version: string;
  page: string | null;
  instance: string;
}

interface Connection {
  /** Nobody answers. */
  lost: boolean;
  /** Seconds that the oldest request has been waiting for, once that is long; else 0. */
  waiting: number;
  /** The server is of another version than the one this page came from, or has another build. */
  other: boolean;
  /** A part of the page could not be fetched from a server that answers. */
  incomplete: boolean;
}

export const useConnection = create<Connection>()(() => ({
  lost: false,
  waiting: 0,
  other: false,
  incomplete: false,
}));

/** After so many seconds a request counts as slow. */
const SLOW = 5;
const pending = new Set<{ since: number }>();
let timer: ReturnType<typeof setInterval> | undefined;

function look(): void {
  const oldest = Math.min(...[...pending].map(({ since }) => since));
  const seconds = pending.size > 0 ? Math.floor((performance.now() - oldest) / 1_000) : 0;
  const waiting = seconds >= SLOW ? seconds : 0;
  if (waiting !== useConnection.getState().waiting) useConnection.setState({ waiting });
  if (pending.size === 0) {
    clearInterval(timer);
    timer = undefined;
  }
}

/** Count a request as waiting, until the returned function is called. */
export function awaited(): () => void {
  const request = { since: performance.now() };
  pending.add(request);
  timer ??= setInterval(look, 1_000);
  return () => {
    pending.delete(request);
    look();
  };
}

export function heard(): void {
  if (useConnection.getState().lost) useConnection.setState({ lost: false });
}

export function missed(): void {
  if (!useConnection.getState().lost) useConnection.setState({ lost: true });
}

/** A proxy answers in the place of a server that is away. */
export const isGatewayFailure = (response: Response): boolean =>
  response.status === 502 ||
  response.status === 504 ||
  (response.status === 503 && !response.headers.get("Content-Type")?.includes("json"));

let first: ServerVersion | null = null;
let last: ServerVersion | null = null;

/** Returns whether this is another start of the server than the one before. */
export function identified(now: ServerVersion): boolean {
  first ??= now;
  const restarted = last !== null && last.instance !== now.instance;
  last = now;
  const other = first.version !== now.version || first.page !== now.page;
  useConnection.setState({ other });
  return restarted;
}
