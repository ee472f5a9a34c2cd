/** The whole page in a test, with a server that answers everything unless the test says otherwise. */

import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { vi } from "vitest";
import type { PanelEntry } from "@/state/panels";
import { type Call, model, serve, traceReply, valueReply } from "./server";

export const EXAMPLE = {
  id: "king",
  title: "The king",
  prompt: "The king",
  note: "Look at layer 1.",
  interventions: [{ layer: 1, dim: 5, kind: "on", value: null, name: "<b>royal</b>; a=b" }],
  model: null,
};
export const PLAIN = {
  ...EXAMPLE,
  id: "plain",
  title: "Plain",
  prompt: "A plain day",
  interventions: [],
};

export const limits = {
  max_interventions: 256,
  max_top_k: 200,
  max_new_tokens: 256,
  max_positions: 256,
  max_prompt_chars: 1000,
  max_reply_mb: 32,
};

export const answers = {
  "/api/v1/models": (call: Call) => call.reply({ default: "demo", models: [model("demo")] }),
  "/api/v1/examples": (call: Call) => call.reply({ examples: [PLAIN, EXAMPLE] }),
  "/api/v1/settings": (call: Call) => call.reply({ limits, settings: [] }),
  "/api/v1/trace": (call: Call) => call.reply(traceReply(call.body)),
  "/api/v1/values": (call: Call) => {
    const [layer, dim] = call.path.split("/").slice(-2).map(Number);
    call.reply(valueReply(layer ?? 0, dim ?? 0));
  },
};

/** As a browser would load it: fresh modules, the start-up, then the first render. */
export async function openPage(
  handlers: Record<string, (call: Call) => void> = {},
  more: readonly PanelEntry[] = [],
) {
  const calls = serve({ ...answers, ...handlers });
  vi.resetModules();
  const { App } = await import("@/App");
  const { startSync } = await import("@/state/sync");
  const { providePanels } = await import("@/state/panels");
  const { PANELS } = await import("@/panels/panels");
  providePanels([...PANELS, ...more]);
  render(<App start={startSync()} />);
  return { calls, user: userEvent.setup() };
}

/** What jsdom lacks and the page uses. */
export function stubBrowser(): void {
  vi.stubGlobal("matchMedia", (media: string) => ({
    media,
    matches: media.includes("min-width"),
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }));
  Element.prototype.scrollIntoView = () => undefined;
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
}
