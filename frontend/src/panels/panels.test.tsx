/** What follows from an entry in the list of panels, shown on panels that only the test registers. */

import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { PanelEntry } from "@/state/panels";
import { FIRST_PANEL } from "@/state/session";
import { openPage, stubBrowser } from "@/test/page";
import { type Call, model } from "@/test/server";
import { PANELS } from "./panels";

beforeEach(stubBrowser);

function Mirror() {
  return <section aria-label="Mirror of the prompt" />;
}

function Heads({ layer }: { layer: number }) {
  return <section aria-label={`Heads of layer ${layer}`} />;
}

function Atlas({ model }: { model: { id: string } }) {
  return <section aria-label={`Atlas of ${model.id}`} />;
}

const MIRROR: PanelEntry = {
  id: "mirror",
  label: "Mirror",
  does: "The prompt in a mirror",
  key: "9",
  place: "trace",
  Show: Mirror,
};
const HEADS: PanelEntry = {
  id: "heads",
  label: "Heads",
  does: "All heads of the layer",
  key: "x",
  place: "layer",
  Show: Heads,
};

const LINK = "#/trace?v=1&m=demo&p=The+king";
const start = (hash: string) => history.replaceState(null, "", `/${hash}`);
const layers = () => screen.findByRole("list", { name: "After layer 1" });
const mirror = () => screen.findByRole("region", { name: "Mirror of the prompt" });
const tab = (name: string) => screen.queryByRole("radio", { name });
const capable = (...capabilities: string[]) => answering(capabilities);
/** null: a server that says nothing of it. */
const answering = (capabilities: string[] | null) => ({
  "/api/v1/models": (call: Call) =>
    call.reply({ default: "demo", models: [{ ...model("demo"), capabilities }] }),
});

/** What the help dialog and the palette list. */
async function lists(user: Awaited<ReturnType<typeof openPage>>["user"]) {
  await user.click(screen.getByRole("button", { name: "Keyboard shortcuts" }));
  const help = (await screen.findByRole("dialog")).textContent;
  await user.keyboard("{Escape}");
  await user.keyboard("{Control>}k{/Control}");
  const list = await screen.findByRole("listbox");
  const commands = within(list)
    .getAllByRole("option")
    .map((each) => each.textContent);
  await user.keyboard("{Escape}");
  return { help, commands };
}

describe("the list of panels", () => {
  it("begins with the one that the page begins with, and names each once", () => {
    expect(PANELS[0]).toMatchObject({ id: FIRST_PANEL, place: "trace" });
    expect(new Set(PANELS.map(({ id }) => id)).size).toBe(PANELS.length);
    // As they stand in the address.
    expect(PANELS.filter(({ id }) => !/^[a-z][a-z-]*$/.test(id))).toEqual([]);
  });
});

describe("a panel of the Trace view", () => {
  it("has its tab, its key and its address", async () => {
    start(LINK);
    const { user } = await openPage({}, [MIRROR]);
    await layers();
    await user.click(screen.getByRole("radio", { name: "Mirror" }));
    expect(await mirror()).toBeVisible();
    expect(screen.queryByRole("list", { name: "After layer 1" })).toBeNull();
    await waitFor(() => expect(location.hash).toContain("w=mirror"));
    await user.keyboard("4");
    expect(await layers()).toBeVisible();
    await waitFor(() => expect(location.hash).not.toContain("w="));
    await user.keyboard("9");
    expect(await mirror()).toBeVisible();
    await waitFor(() => expect(location.hash).toContain("w=mirror"));
    await user.keyboard("4");
    expect(await layers()).toBeVisible();
    await waitFor(() => expect(location.hash).not.toContain("w="));
  });

  it("opens from its address", async () => {
    start(`${LINK}&w=mirror`);
    await openPage({}, [MIRROR]);
    expect(await mirror()).toBeVisible();
  });

  it("is named in the list of shortcuts and in the palette", async () => {
    start(LINK);
    const { user } = await openPage({}, [MIRROR]);
    await layers();
    const { help, commands } = await lists(user);
    expect(help).toContain("9The prompt in a mirror");
    expect(commands).toContain("The prompt in a mirror9");
  });

  it("need not have a key for a command", async () => {
    start(LINK);
    const { key: _, ...keyless } = MIRROR;
    const { user } = await openPage({}, [keyless]);
    await layers();
    const { help, commands } = await lists(user);
    expect(help).not.toContain("mirror");
    expect(commands).toContain("The prompt in a mirror");
  });

  it("that nobody registered is the first one, whatever the address says", async () => {
    start(`${LINK}&w=mirror`);
    await openPage();
    expect(await layers()).toBeVisible();
    expect(tab("Layers")).toBeChecked();
  });
});

describe("a panel about one layer", () => {
  it("stands in the place of the list by its key, each by its own", async () => {
    start(LINK);
    const { user } = await openPage({}, [HEADS]);
    await layers();
    await user.keyboard("x");
    expect(await screen.findByRole("region", { name: "Heads of layer 0" })).toBeVisible();
    await user.keyboard("j");
    expect(await screen.findByRole("region", { name: "Heads of layer 1" })).toBeVisible();
    await user.keyboard("x");
    expect(screen.queryByRole("region", { name: /^Heads/ })).toBeNull();
  });
});

describe("a page of Explore", () => {
  const ATLAS: PanelEntry = {
    id: "atlas",
    label: "Atlas",
    does: "Explore: the atlas",
    place: "explore",
    tab: true,
    Show: Atlas,
  };

  it("has its tab, its command and its address", async () => {
    start("#/explore/atlas?v=1&m=demo");
    const { user } = await openPage({}, [ATLAS, { ...ATLAS, id: "hidden", tab: false }]);
    expect(await screen.findByRole("region", { name: "Atlas of demo" })).toBeVisible();
    const tabs = within(screen.getByRole("navigation", { name: "Pages of Explore" }));
    expect(tabs.getAllByRole("link").map((each) => each.textContent)).toEqual([
      "Search",
      "Map",
      "Layers",
      "Atlas",
    ]);
    expect((await lists(user)).commands).toContain("Explore: the atlas");
    await user.click(tabs.getByRole("link", { name: "Search" }));
    await waitFor(() => expect(location.hash).toMatch(/^#\/explore\/search/));
    expect(screen.queryByRole("region", { name: "Atlas of demo" })).toBeNull();
    await user.click(tabs.getByRole("link", { name: "Atlas" }));
    await waitFor(() => expect(location.hash).toMatch(/^#\/explore\/atlas/));
  });

  it("is the first one where the model cannot answer it", async () => {
    start("#/explore/atlas?v=1&m=demo");
    const { user } = await openPage(capable("trace"), [{ ...ATLAS, needs: "atlases" }]);
    const tabs = within(await screen.findByRole("navigation", { name: "Pages of Explore" }));
    expect(tabs.queryByRole("link", { name: "Atlas" })).toBeNull();
    expect(tabs.getByRole("link", { name: "Search" })).toHaveAttribute("aria-current", "page");
    expect((await lists(user)).commands).not.toContain("Explore: the atlas");
  });
});

describe("what a model cannot answer", () => {
  const needs: PanelEntry = { ...MIRROR, needs: "mirrors" };

  it("has no panel: no tab, no key, no command, and its address leads to the first", async () => {
    start(`${LINK}&w=mirror`);
    const { user } = await openPage(capable("trace"), [needs, { ...HEADS, needs: "heads" }]);
    expect(await layers()).toBeVisible();
    expect(tab("Grid")).toBeVisible();
    expect(tab("Mirror")).toBeNull();
    await user.keyboard("9x");
    expect(screen.queryByRole("region", { name: /Mirror|Heads/ })).toBeNull();
    const { help, commands } = await lists(user);
    expect(help).not.toMatch(/mirror|heads/);
    expect(commands.filter((each) => /mirror|heads/.test(each ?? ""))).toEqual([]);
  });

  it("is only what it does not name", async () => {
    start(`${LINK}&w=mirror`);
    await openPage(capable("trace", "mirrors"), [needs]);
    expect(await mirror()).toBeVisible();
  });

  it("is nothing where the server says nothing of it", async () => {
    start(`${LINK}&w=mirror`);
    await openPage(answering(null), [needs]);
    expect(await mirror()).toBeVisible();
  });
});
