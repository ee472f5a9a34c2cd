import { screen } from "@testing-library/react";
import { beforeEach, expect, it } from "vitest";
import { openPage, stubBrowser } from "@/test/page";
import type { Call } from "@/test/server";

const building = {
  model: "demo",
  state: "building",
  stage: "projections",
  done: 1,
  total: 4,
  seconds_left: null,
  error: null,
  layers_ready: 1,
  n_layers: 4,
  n_clusters: null,
};

beforeEach(() => {
  stubBrowser();
  history.replaceState(null, "", "/#/explore/search?v=1");
});

it.each([
  ["projections", "reading layer 2 of 4"],
  ["clusters", "finding clusters, step 1 of 4"],
  ["dictionaries", "dictionaries, step 1 of 4"],
])("names the stage %s, and counts what is done of the step at hand", async (stage, words) => {
  const index = { ...building, stage, within: 0.5 };
  await openPage({ "/api/v1/index": (call: Call) => call.reply(index) });
  expect(await screen.findByTestId("index-state")).toHaveTextContent(`Index: ${words}`);
  const bar = screen.getByRole("progressbar", { name: "Building the index" });
  expect(bar).toHaveAttribute("aria-valuenow", "1.5");
  expect(bar.style.getPropertyValue("--share")).toBe("0.375");
});
