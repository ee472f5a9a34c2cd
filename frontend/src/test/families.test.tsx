/** What the page says of models that GPT-2's rules do not cover. */

import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { AppliedIntervention, Model } from "@/api/types";
import { answers, openPage, stubBrowser } from "./page";
import { type Call, model, traceReply } from "./server";

/** Of the vector that is on: not among the dominant ones of its layer, which are 3 and 5. */
const LINK = "#/trace?v=1&p=a+b&i=L1D7*on";

const served = (built: Partial<Model>) => ({
  ...answers,
  "/api/v1/models": (call: Call) =>
    call.reply({ default: "demo", models: [{ ...model("demo"), ...built }] }),
});

/** The reply with what came of the edited vector. */
const applying = (applied: Partial<AppliedIntervention>, dims = [3, 5]) => ({
  "/api/v1/trace": (call: Call) => {
    const reply = traceReply(call.body);
    reply.interventions = reply.interventions.map((each) => ({ ...each, ...applied }));
    for (const layer of reply.edited?.positions[0]?.layers ?? [])
      layer.sub_updates = layer.sub_updates.map((update, index) => {
        return { ...update, dim: dims[index] ?? update.dim };
      });
    call.reply(reply);
  },
});

const card = () => screen.findByTestId("intervention-L1D7");

beforeEach(() => {
  stubBrowser();
  localStorage.clear();
  history.replaceState(null, "", `/${LINK}`);
});

describe("the score of a vector that is on by score", () => {
  it("is the listed one, where the edited run lists it", async () => {
    await openPage({ ...served({ gated: true }), ...applying({ edited_coefficient: -4 }, [7, 5]) });
    await waitFor(async () => expect(await card()).toHaveTextContent("score 3.00 in the edited"));
  });

  it("is |m| · norm, and called that, where it is not listed", async () => {
    await openPage({ ...served({ gated: true }), ...applying({ edited_coefficient: -4 }) });
    await waitFor(async () => expect(await card()).toHaveTextContent("|coefficient| · norm 8.00"));
  });

  it("is not made up behind a norm, whose scale only the list knows", async () => {
    const built = { gated: true, post_norm: true };
    await openPage({ ...served(built), ...applying({ edited_coefficient: -4 }) });
    await waitFor(async () =>
      expect(await card()).toHaveTextContent("score not among the layer’s dominant ones"),
    );
    expect(await card()).not.toHaveTextContent("norm 8");
  });

  it("is not shown where on has a pre-activation", async () => {
    await openPage({ ...served({}), ...applying({ edited_coefficient: 4 }) });
    await waitFor(async () => expect(await card()).toHaveTextContent("+1.50 → +4.00"));
    expect(await card()).not.toHaveTextContent(/score|norm/);
  });
});

describe("readings", () => {
  it("are named by what the answers say, and explained on focus", async () => {
    const { user } = await openPage(served({ parallel: true }));
    const panel = await screen.findByRole("region", { name: "Layers" });
    const name = await within(panel).findByRole("button", { name: /^Reading: ?lens$/ });
    name.focus();
    expect(await screen.findByRole("tooltip")).toHaveTextContent("after without the FFN’s part");
    await user.click(within(panel).getByRole("button", { name: /^L1D3/ }));
    const details = screen.getByRole("region", { name: "Value Vector Details" });
    expect(await within(details).findByRole("button", { name: /^Reading: ?raw$/ })).toBeVisible();
  });
});
