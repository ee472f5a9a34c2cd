import { describe, expect, it } from "vitest";
import { EventParser, readEvents, type ServerEvent } from "./sse";

const parse = (...pieces: string[]): ServerEvent[] => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe("EventParser", () => {
  it("reads events with a name and several lines of data", () => {
    expect(parse("event: step\ndata: {\ndata: }\n\ndata:x\n\n")).toEqual([
      { event: "step", data: "{\n}" },
      { event: "message", data: "x" },
    ]);
  });

  it.each(["\n", "\r", "\r\n"])("takes %j as the end of a line", (end) => {
    const text = ["event: a", "data: 1", "", "event: b", "data: 2", "", ": more"].join(end);
    expect(parse(text).map(({ event, data }) => event + data)).toEqual(["a1", "b2"]);
  });

  it("does not care where the text is cut", () => {
    const text = ": hello\r\nevent: step\r\ndata: é😀\r\n\r\nevent: end\ndata: 2\n\n";
    const whole = parse(text);
    expect(whole).toHaveLength(2);
    for (let cut = 1; cut < text.length; cut += 1)
      expect(parse(text.slice(0, cut), text.slice(cut))).toEqual(whole);
    expect(parse(...text)).toEqual(whole);
  });

  it("skips comments, unknown fields, events without data and a byte order mark", () => {
    expect(parse("\ufeffdata: 1\nid: 7\nretry: 5\n\n", ": ping\n\n", "event: empty\n\n")).toEqual([
      { event: "message", data: "1" },
    ]);
  });

  it("drops an event that is cut off", () => {
    expect(parse("data: 1\n\ndata: half\n")).toEqual([{ event: "message", data: "1" }]);
  });
});

describe("readEvents", () => {
  it("puts bytes of one character together that came apart", async () => {
    const bytes = new TextEncoder().encode("data: 😀\n\n");
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const events: ServerEvent[] = [];
    for await (const event of readEvents(body)) events.push(event);
    expect(events).toEqual([{ event: "message", data: "😀" }]);
  });

  it("lets go of the stream when the reader stops early", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of readEvents(body)) break;
    expect(cancelled).toBe(true);
  });
});
