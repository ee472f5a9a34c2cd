import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ServerVersion } from "./connection";
import { fromBody } from "./errors";

const VERSION: ServerVersion = { version: "1.0", page: "aa", instance: "i1" };

async function fresh() {
  vi.resetModules();
  return import("./connection");
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("which server it is", () => {
  it("tells another start from another build, and an old one that is back", async () => {
    const { identified, useConnection } = await fresh();
    const other = () => useConnection.getState().other;
    expect(identified(VERSION)).toBe(false);
    expect(identified(VERSION)).toBe(false);
    expect(identified({ ...VERSION, instance: "i2" })).toBe(true);
    expect(other()).toBe(false);
    expect(identified({ ...VERSION, instance: "i3", page: "bb" })).toBe(true);
    expect(other()).toBe(true);
    expect(identified({ ...VERSION, instance: "i4", version: "1.1" })).toBe(true);
    expect(other()).toBe(true);
    expect(identified({ ...VERSION, instance: "i5" })).toBe(true);
    expect(other()).toBe(false);
  });
});

describe("how long it takes", () => {
  it("counts from the oldest request, once five seconds have passed", async () => {
    const { awaited, useConnection } = await fresh();
    const waiting = () => useConnection.getState().waiting;
    const first = awaited();
    vi.advanceTimersByTime(3_000);
    const second = awaited();
    expect(waiting()).toBe(0);
    vi.advanceTimersByTime(3_000);
    expect(waiting()).toBe(6);
    first();
    expect(waiting()).toBe(0);
    vi.advanceTimersByTime(4_000);
    expect(waiting()).toBe(7);
    second();
    expect(waiting()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("who answers", () => {
  const reply = (status: number, type: string) =>
    new Response("{}", { status, headers: { "Content-Type": type } });

  it("tells a proxy's answer from the server's own", async () => {
    const { isGatewayFailure } = await fresh();
    expect(isGatewayFailure(reply(502, "text/html"))).toBe(true);
    expect(isGatewayFailure(reply(504, "text/html"))).toBe(true);
    expect(isGatewayFailure(reply(503, "text/html"))).toBe(true);
    expect(isGatewayFailure(reply(503, "application/json"))).toBe(false);
    expect(isGatewayFailure(reply(500, "text/html"))).toBe(false);
    expect(isGatewayFailure(reply(200, "application/json"))).toBe(false);
  });

  it("makes of it what a lost connection is", () => {
    for (const status of [502, 503, 504]) {
      const error = fromBody(status, null);
      expect([error.code, error.retryAfter]).toEqual(["offline", null]);
    }
    expect(fromBody(500, null).code).toBe("unreadable_reply");
    const busy = { error: { code: "busy", message: "x", details: { retry_after: 2 } } };
    expect(fromBody(503, busy).retryAfter).toBe(2);
    expect(fromBody(429, busy).retryAfter).toBe(2);
    expect(fromBody(422, busy).retryAfter).toBeNull();
    const limit = { error: { code: "time_limit", message: "x", details: { retry_after: 2 } } };
    expect(fromBody(503, limit).retryAfter).toBeNull();
    const failed = { error: { code: "load_error", message: "x", details: {} } };
    expect(fromBody(503, failed).retryAfter).toBeNull();
  });
});
