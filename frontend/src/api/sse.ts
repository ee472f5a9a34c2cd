/**
 * Server-sent events over a POST reply (EventSource can only GET).
 *
 * Follows the WHATWG stream grammar: lines end in LF, CR or CRLF, a blank line sends the event, a
 * leading colon is a comment, several `data` lines are joined by LF. An event that the end of the
 * stream cuts off is dropped.
 */

export interface ServerEvent {
  event: string;
  data: string;
}

/** Takes text in pieces cut anywhere; gives back the events that are complete. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private started = false;

  push(text: string): ServerEvent[] {
    if (!this.started && text !== "") {
      this.started = true;
      text = text.replace(/^\ufeff/, "");
    }
    this.rest += text;
    const events: ServerEvent[] = [];
    for (let line = this.takeLine(); line !== null; line = this.takeLine()) {
      const event = this.readLine(line);
      if (event) events.push(event);
    }
    return events;
  }

  /** A CR at the very end may be half of a CRLF, so it waits for what follows. */
  private takeLine(): string | null {
    const match = /\r\n|\n|\r(?!$)/.exec(this.rest);
    if (!match) return null;
    const line = this.rest.slice(0, match.index);
    this.rest = this.rest.slice(match.index + match[0].length);
    return line;
  }

  private readLine(line: string): ServerEvent | null {
    if (line === "") {
      const event = { event: this.event || "message", data: this.data.join("\n") };
      const filled = this.data.length > 0;
      this.event = "";
      this.data = [];
      return filled ? event : null;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    return null;
  }
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
