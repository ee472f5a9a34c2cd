import { QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { createQueryClient } from "@/api/queries";
import type { TraceReply, TraceRequest } from "@/api/types";
import { type Call, failure, serve, traceReply } from "@/test/server";
import { useTraceQuery } from "./trace";

const ask = (prompt: string, model = "demo"): TraceRequest => ({ model, prompt });
const shown = (reply: TraceReply | null) => reply?.prompt ?? null;

function start(request: TraceRequest | null) {
  const calls = serve({ "/api/v1/trace": () => undefined });
  const client = createQueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  const hook = renderHook((props: TraceRequest | null) => useTraceQuery(props), {
    initialProps: request,
    wrapper,
  });
  const call = async (index: number): Promise<Call> => {
    await waitFor(() => expect(calls.length).toBeGreaterThan(index));
    return calls[index] as Call;
  };
  const answer = async (index: number) => {
    const { body, reply } = await call(index);
    await act(async () => reply(traceReply(body)));
  };
  return { hook, call, answer, calls };
}

describe("useTraceQuery", () => {
  it("keeps the old reply, marked, until the new one is there", async () => {
    const { hook, answer, call } = start(ask("one"));
    await answer(0);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("one"));
    expect(hook.result.current.outdated).toBe(false);
    hook.rerender(ask("two"));
    expect(hook.result.current).toMatchObject({ outdated: true, pending: true });
    expect(shown(hook.result.current.reply)).toBe("one");
    await call(1);
    await answer(1);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("two"));
    expect(hook.result.current).toMatchObject({ outdated: false, pending: false });
  });

  it("aborts an older question and never shows its reply, even when that comes last", async () => {
    const { hook, call, answer } = start(ask("slow"));
    const slow = await call(0);
    hook.rerender(ask("quick"));
    await call(1);
    expect(slow.signal.aborted).toBe(true);
    await answer(1);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("quick"));
    await act(async () => slow.reply(traceReply(slow.body)));
    expect(shown(hook.result.current.reply)).toBe("quick");
  });

  it("asks for the first and the last of many quick changes, not for each", async () => {
    const { hook, answer, calls } = start(ask("0"));
    await answer(0);
    for (let step = 1; step <= 20; step += 1) hook.rerender(ask(String(step)));
    await waitFor(() => expect(calls.at(-1)?.body.prompt).toBe("20"));
    expect(calls.length).toBeLessThan(6);
    await answer(calls.length - 1);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("20"));
  });

  describe("with a slider on its way", () => {
    const scaled = (value: number, prompt = "drag"): TraceRequest => ({
      ...ask(prompt),
      interventions: [{ layer: 1, dim: 2, kind: "scale", value }],
    });
    const value = (call: Call | undefined) => call?.body.interventions[0].value;

    it("asks one question at a time, shows its reply, then asks the latest", async () => {
      const { hook, call, answer, calls } = start(scaled(1));
      await answer(0);
      hook.rerender(scaled(1.05));
      const first = await call(1);
      for (let step = 2; step <= 20; step += 1) hook.rerender(scaled(1 + step / 20));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(calls).toHaveLength(2);
      expect(first.signal.aborted).toBe(false);
      expect(hook.result.current).toMatchObject({ outdated: true, pending: true });
      await act(async () => first.reply(traceReply(first.body)));
      await waitFor(() => expect(hook.result.current.reply?.interventions[0]?.value).toBe(1.05));
      expect(value(await call(2))).toBe(2);
      expect(hook.result.current.pending).toBe(true);
      await answer(2);
      await waitFor(() => expect(hook.result.current.reply?.interventions[0]?.value).toBe(2));
      expect(hook.result.current).toMatchObject({ outdated: false, pending: false });
      expect(calls).toHaveLength(3);
    });

    it("does not starve under changes that never pause", async () => {
      const { hook, answer, calls } = start(scaled(0));
      await answer(0);
      let answered = calls.length;
      const seen = new Set<number | null | undefined>();
      for (let step = 1; step <= 100; step += 1) {
        hook.rerender(scaled(step));
        // A server that is slower than the pace of the questions.
        for (const each of calls.slice(answered))
          setTimeout(() => each.reply(traceReply(each.body)), 90);
        answered = calls.length;
        await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
        seen.add(hook.result.current.reply?.interventions[0]?.value);
      }
      expect(seen.size).toBeGreaterThan(3);
      const shownInOrder = [...seen].map(Number);
      expect(shownInOrder).toEqual([...shownInOrder].sort((a, b) => a - b));
    });

    it("does not wait for it with another prompt", async () => {
      const { hook, call, answer } = start(scaled(1));
      await answer(0);
      hook.rerender(scaled(2));
      const slow = await call(1);
      hook.rerender(scaled(2, "another"));
      expect((await call(2)).body.prompt).toBe("another");
      expect(slow.signal.aborted).toBe(true);
    });

    it("goes on after a value that the server refuses", async () => {
      const { hook, call, answer } = start(scaled(1));
      await answer(0);
      hook.rerender(scaled(1e300));
      const bad = await call(1);
      hook.rerender(scaled(2));
      await act(async () => bad.reply(failure("non_finite_result", "Too large."), 422));
      await answer(2);
      await waitFor(() => expect(hook.result.current.reply?.interventions[0]?.value).toBe(2));
      expect(hook.result.current.error).toBeNull();
    });
  });

  it("keeps what was shown when the new question fails, and can be asked again", async () => {
    const { hook, call, answer } = start(ask("good"));
    await answer(0);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("good"));
    hook.rerender(ask("bad"));
    const bad = await call(1);
    await act(async () => bad.reply(failure("prompt_too_long", "Too long."), 422));
    await waitFor(() => expect(hook.result.current.error?.code).toBe("prompt_too_long"));
    expect(hook.result.current).toMatchObject({ outdated: true, pending: false });
    expect(shown(hook.result.current.reply)).toBe("good");
    act(() => hook.result.current.retry());
    await answer(2);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("bad"));
    expect(hook.result.current.error).toBeNull();
  });

  it("tries again by itself while the server is busy", async () => {
    const { hook, call, answer } = start(ask("patience"));
    const first = await call(0);
    await act(async () => first.reply(failure("busy", "Busy.", { retry_after: 0.05 }), 503));
    await call(1);
    expect(hook.result.current.error).toBeNull();
    await answer(1);
    await waitFor(() => expect(shown(hook.result.current.reply)).toBe("patience"));
  });

  it("never shows one model's trace as another's", async () => {
    const { hook, answer, call } = start(ask("same", "a"));
    await answer(0);
    await waitFor(() => expect(hook.result.current.reply?.model).toBe("a"));
    hook.rerender(ask("same", "b"));
    await call(1);
    expect(hook.result.current.reply).toBeNull();
    await answer(1);
    await waitFor(() => expect(hook.result.current.reply?.model).toBe("b"));
  });

  it("asks nothing while there is nothing to ask", async () => {
    const { hook, calls } = start(null);
    expect(hook.result.current).toMatchObject({ reply: null, pending: false, outdated: false });
    expect(calls).toHaveLength(0);
  });
});
