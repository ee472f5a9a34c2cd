import { cleanup, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { answers, limits, openPage, stubBrowser } from "@/test/page";
import { type Call, failure, model } from "@/test/server";

beforeEach(stubBrowser);

const layer = (index: number) => screen.findByRole("list", { name: `After layer ${index}` });
const strip = () => screen.getByRole("region", { name: "Interventions" });

describe("the first visit", () => {
  it("opens on a traced example with guidance that one click dismisses for good", async () => {
    const { user } = await openPage();
    expect(await layer(1)).toHaveTextContent("after-A plain day");
    expect(screen.getByRole("textbox", { name: "Prompt" })).toHaveValue("A plain day");
    await user.click(screen.getByRole("button", { name: "Got it" }));
    expect(screen.queryByRole("complementary", { name: "Guidance" })).toBeNull();
    cleanup();
    await openPage();
    await layer(1);
    expect(screen.queryByRole("complementary", { name: "Guidance" })).toBeNull();
  });
});

describe("an intervention that the server refuses", () => {
  it("has the server's sentence on its card, whatever the words", async () => {
    history.replaceState(null, "", "/#/trace?v=1&m=demo&p=The+king&i=L1D3*off_L1D4*off");
    const said = "No such place in this prompt.";
    await openPage({
      "/api/v1/trace": (call) =>
        call.reply(failure("invalid_position", said, { intervention: 1, id: "L1D4" }), 422),
    });
    const card = await screen.findByTestId("intervention-L1D4");
    expect(await within(card).findByText(said)).toBeVisible();
    expect(within(screen.getByTestId("intervention-L1D3")).queryByText(said)).toBeNull();
  });
});

describe("the server's limits", () => {
  it("are the only ones: without them the page refuses nothing", async () => {
    const held: Call[] = [];
    const { user, calls } = await openPage({ "/api/v1/settings": (call) => void held.push(call) });
    await layer(1);
    const box = screen.getByRole("textbox", { name: "Prompt" });
    const long = "a".repeat(limits.max_prompt_chars + 1);
    await user.clear(box);
    await user.click(box);
    await user.paste(long);
    expect(box).toBeValid();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(calls.at(-1)?.body?.prompt).toBe(long));
    held[0]?.reply({ limits, settings: [] });
    expect(await screen.findByText(/1,001 characters; 1,000 are allowed/)).toBeVisible();
  });
});

describe("the main job", () => {
  it("traces, reads a vector, sends it to Interventions, switches it on and sees both runs", async () => {
    const { user, calls } = await openPage();
    const subs = await screen.findByRole("list", { name: "Dominant sub-updates of layer 1" });
    await user.click(within(subs).getByRole("button", { name: /^L1D3/ }));
    expect(await screen.findByText("music", { exact: false })).toBeVisible();
    await user.click(within(subs).getByRole("button", { name: "Send L1D3 to Interventions" }));
    const off = await within(strip()).findByRole("switch", { name: /L1D3/ });
    expect(off).not.toBeChecked();
    await waitFor(() => expect(calls.at(-1)?.body?.interventions?.[0]?.kind).toBe("off"));
    await user.click(off);
    const final = screen.getByRole("region", { name: "Final prediction" });
    await waitFor(() => expect(within(final).getByRole("table")).toHaveTextContent("on3"));
    expect(await layer(1)).toHaveTextContent("on3");
    await user.click(screen.getByRole("radio", { name: "Unedited" }));
    expect(await layer(1)).toHaveTextContent("after-A plain day");
    await user.click(within(strip()).getByRole("button", { name: "Remove L1D3" }));
    expect(within(strip()).queryByRole("switch")).toBeNull();
    await user.click(within(strip()).getByRole("button", { name: "Undo" }));
    expect(within(strip()).getByRole("switch")).toBeChecked();
  });

  it("traces with Enter, breaks the line with Shift+Enter", async () => {
    const { user, calls } = await openPage();
    await layer(1);
    const box = screen.getByRole("textbox", { name: "Prompt" });
    await user.clear(box);
    await user.type(box, "a{Shift>}{Enter}{/Shift}b");
    expect(box).toHaveValue("a\nb");
    expect(calls.filter((call) => call.path.endsWith("/trace"))).toHaveLength(1);
    await user.keyboard("{Enter}");
    await waitFor(() => expect(calls.at(-1)?.body?.prompt).toBe("a\nb"));
  });

  it("traces the position that is picked", async () => {
    const { user, calls } = await openPage();
    await layer(1);
    await user.click(screen.getByRole("button", { name: /^1: “plain”/ }));
    await waitFor(() => expect(calls.at(-1)?.body?.positions).toEqual([1]));
    expect(screen.getByRole("button", { name: /^1: “plain”/ })).toHaveAttribute(
      "aria-pressed",
      "true",
    );
  });

  it("loads prompt, interventions and names of an example together, names as plain text", async () => {
    const { user, calls } = await openPage();
    await layer(1);
    await user.click(screen.getByRole("button", { name: /Example/ }));
    await user.click(await screen.findByRole("menuitem", { name: /The king/ }));
    await waitFor(() =>
      expect(calls.at(-1)?.body).toMatchObject({
        prompt: "The king",
        interventions: [{ layer: 1, dim: 5, kind: "on" }],
      }),
    );
    expect(within(strip()).getByText("<b>royal</b>; a=b")).toBeVisible();
    expect(document.querySelector("b")).toBeNull();
  });

  it("says which vectors there are when one that does not exist is typed", async () => {
    const { user } = await openPage();
    await layer(1);
    const box = within(strip()).getByRole("textbox");
    await user.type(box, "L2D0{Enter}");
    expect(await within(strip()).findByRole("alert")).toHaveTextContent("layers 0 to 1");
    expect(box).toHaveValue("L2D0");
  });
});

describe("shortcuts", () => {
  const inExplore = () => location.hash.startsWith("#/explore");

  it.each(["menu", "dialog"])(
    "wait while a %s is open, and are in force again then",
    async (role) => {
      const { user } = await openPage();
      await layer(1);
      const opener = role === "menu" ? "Share and save" : "Keyboard shortcuts";
      await user.click(screen.getByRole("button", { name: opener }));
      await screen.findByRole(role);
      await user.keyboard("e");
      expect(inExplore()).toBe(false);
      await user.keyboard("{Escape}");
      await waitFor(() => expect(screen.queryByRole(role)).toBeNull());
      await user.keyboard("e");
      expect(inExplore()).toBe(true);
    },
  );

  it("are in force beside the settings of Generate", async () => {
    const { user } = await openPage();
    await layer(1);
    await user.click(screen.getByRole("button", { name: /^How tokens are chosen/ }));
    await screen.findByRole("dialog");
    await user.keyboard("e");
    expect(inExplore()).toBe(true);
  });

  it("rename the vector whose details are open, and none without", async () => {
    const { user } = await openPage();
    await layer(1);
    await user.keyboard("n");
    expect(screen.queryByRole("textbox", { name: /^Name of/ })).toBeNull();
    const subs = screen.getByRole("list", { name: "Dominant sub-updates of layer 1" });
    await user.click(within(subs).getByRole("button", { name: /^L1D3/ }));
    await screen.findByTestId("details-title");
    await user.keyboard("n");
    expect(await screen.findByRole("textbox", { name: "Name of L1D3" })).toHaveFocus();
  });
});

describe("when something is wrong", () => {
  it("shows the sentence and what to do, keeps the prompt, and tries again", async () => {
    let broken = true;
    const { user } = await openPage({
      "/api/v1/trace": (call) =>
        broken
          ? call.reply(
              failure("prompt_too_long", "The prompt has 900 tokens; 256 are allowed."),
              422,
            )
          : answers["/api/v1/trace"](call),
    });
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("256 are allowed");
    expect(alert).toHaveTextContent("Shorten the prompt");
    expect(screen.getByRole("textbox", { name: "Prompt" })).toHaveValue("A plain day");
    broken = false;
    await user.click(within(alert).getByRole("button", { name: "Try again" }));
    expect(await layer(1)).toBeVisible();
  });

  it("waits for a model that is loading and goes on by itself", async () => {
    let state: "loading" | "ready" = "loading";
    await openPage({
      "/api/v1/models": (call) => call.reply({ default: "demo", models: [model("demo", state)] }),
      "/readyz": (call) =>
        call.reply({ status: state, models: { demo: state } }, state === "ready" ? 200 : 503),
    });
    expect(await screen.findByText(/The model demo is loading/)).toBeVisible();
    state = "ready";
    expect(
      await screen.findByRole("list", { name: "After layer 1" }, { timeout: 4000 }),
    ).toBeVisible();
  });

  it("says why a model could not be loaded", async () => {
    await openPage({
      "/api/v1/models": (call) =>
        call.reply({ default: "demo", models: [model("demo", "failed")] }),
    });
    expect(await screen.findByText(/The folder holds no weights/)).toBeVisible();
  });

  it("says that a linked model is not served here", async () => {
    history.replaceState(null, "", "/#/trace?v=1&m=gpt5&p=x");
    await openPage();
    expect(await screen.findByText(/does not serve the model/)).toBeVisible();
  });
});

describe("links", () => {
  it("restore prompt, interventions, position, selection and reading", async () => {
    history.replaceState(
      null,
      "",
      "/#/trace?v=1&p=one+two&i=L0D3*scale*0.5&t=0&s=L1D5&r=difference",
    );
    const { calls } = await openPage();
    await screen.findByRole("radio", { name: "Difference", checked: true });
    const trace = calls.find((call) => call.path.endsWith("/trace"));
    expect(trace?.body).toMatchObject({
      prompt: "one two",
      positions: [0],
      interventions: [{ layer: 0, dim: 3, kind: "scale", value: 0.5 }],
    });
    expect(screen.getByTestId("details-title")).toHaveTextContent("L1D5");
  });
});
