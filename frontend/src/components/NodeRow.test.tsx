import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { walk } from "@/lib/walk";
import { initialSession, interventionsOf, useSession } from "@/state/session";
import { NodeRow } from "./NodeRow";

const FIRST = { layer: 1, dim: 2 };
const SECOND = { layer: 3, dim: 4, score: 5 };

function show(look: "compact" | "wide") {
  Element.prototype.scrollIntoView = () => undefined;
  render(
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the arrow keys of the buttons inside
    <div onKeyDown={walk}>
      <ol>
        <NodeRow value={FIRST} first look={look}>
          0.5
        </NodeRow>
        <NodeRow value={SECOND} first={false} look={look}>
          0.25
        </NodeRow>
      </ol>
    </div>,
  );
  return userEvent.setup();
}

const rows = () => screen.getAllByRole("listitem");
const node = (row: number) =>
  within(rows()[row] as HTMLElement).getByRole("button", { name: /^L/ });

beforeEach(() => useSession.setState(initialSession));

describe.each(["compact", "wide"] as const)("a %s row", (look) => {
  it("chooses its vector, and no more of it than which one it is", async () => {
    const user = show(look);
    await user.click(node(1));
    expect(useSession.getState().selection).toEqual({ layer: 3, dim: 4 });
    expect(node(1)).toHaveAttribute("aria-pressed", "true");
    expect(node(0)).toHaveAttribute("aria-pressed", "false");
  });

  it("sends it to Interventions once", async () => {
    const user = show(look);
    await user.click(screen.getByRole("button", { name: "Send L3D4 to Interventions" }));
    const there = screen.getByRole("button", { name: "L3D4 is in Interventions" });
    expect(there).toHaveAttribute("aria-disabled", "true");
    await user.click(there);
    expect(interventionsOf(useSession.getState())).toMatchObject([{ layer: 3, dim: 4 }]);
    expect(useSession.getState().selection).toBeNull();
  });

  it("is one stop for Tab among its like, and arrow keys walk through them", async () => {
    const user = show(look);
    await user.tab();
    expect(node(0)).toHaveFocus();
    await user.keyboard("{ArrowDown}");
    expect(node(1)).toHaveFocus();
    await user.keyboard("{ArrowUp}");
    expect(node(0)).toHaveFocus();
    await user.tab();
    expect(document.body).toHaveFocus();
  });
});

it("leads to the vector's page where there is room", () => {
  show("wide");
  const link = screen.getByRole("link", { name: "Open the page of L3D4" });
  expect(link.getAttribute("href")).toContain("/explore/value?v=1&s=L3D4");
});
