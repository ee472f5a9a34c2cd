import * as Tooltip from "@radix-ui/react-tooltip";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useConnection } from "@/api/connection";
import { loadExample } from "@/state/actions";
import { newIntervention } from "@/state/interventions";
import { useNotice } from "@/state/notice";
import { useSession } from "@/state/session";
import { NoticeBar } from "./NoticeBar";

const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
  useNotice.getState().clear();
  useConnection.setState({ lost: false, waiting: 0, other: false, incomplete: false });
  render(
    <Tooltip.Provider>
      <NoticeBar />
    </Tooltip.Provider>,
  );
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (time: number) => act(() => vi.advanceTimersByTime(time));
const say = (text: string, run?: () => void) =>
  act(() => useNotice.getState().show({ text, ...(run && { action: { label: "Undo", run } }) }));
const place = () => screen.getByRole("status");

describe("a notice", () => {
  it("goes by itself", () => {
    say("Copied.");
    pass(6_900);
    expect(place()).toHaveTextContent("Copied.");
    pass(200);
    expect(place()).toBeEmptyDOMElement();
  });

  it("waits while the pointer is on it, and then as long as before", () => {
    say("Copied.");
    fireEvent.pointerEnter(screen.getByText("Copied.").parentElement as HTMLElement);
    pass(HOUR);
    expect(place()).toHaveTextContent("Copied.");
    fireEvent.pointerLeave(screen.getByText("Copied.").parentElement as HTMLElement);
    pass(6_900);
    expect(place()).toHaveTextContent("Copied.");
    pass(200);
    expect(place()).toBeEmptyDOMElement();
  });

  it("waits while it has the keyboard's focus; the next one is not held by that", () => {
    say("Copied.");
    act(() => screen.getByRole("button", { name: "Dismiss" }).focus());
    pass(HOUR);
    fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(place()).toBeEmptyDOMElement();
    say("Saved.");
    pass(7_100);
    expect(place()).toBeEmptyDOMElement();
  });
});

describe("a notice with something to do", () => {
  it("stays until that is done", () => {
    const run = vi.fn();
    say("It is gone.", run);
    pass(HOUR);
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(run).toHaveBeenCalledOnce();
    expect(place()).toBeEmptyDOMElement();
  });

  it("stays until it is dismissed, or another one comes", () => {
    const run = vi.fn();
    say("It is gone.", run);
    pass(HOUR);
    say("Copied.");
    expect(place()).not.toHaveTextContent("gone");
    say("It is gone.", run);
    fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(place()).toBeEmptyDOMElement();
    expect(run).not.toHaveBeenCalled();
  });

  it("lets the server have its say after a while, and is there again", () => {
    say("It is gone.", vi.fn());
    act(() => useConnection.setState({ waiting: 9 }));
    expect(place()).toHaveTextContent("It is gone.");
    pass(7_100);
    expect(place()).toHaveTextContent("due for 9 s");
    act(() => useConnection.setState({ waiting: 0 }));
    expect(place()).toHaveTextContent("It is gone.");
  });

  it("goes where its undo would undo something else", () => {
    const example = { id: "a", title: "A", prompt: "A", note: "", interventions: [], model: null };
    act(() => loadExample(example, "demo"));
    pass(HOUR);
    expect(place()).toHaveTextContent("“A” is loaded.");
    const ref = newIntervention({ layer: 0, dim: 1 });
    act(() => useSession.getState().change({ type: "add", ref }));
    expect(place()).toBeEmptyDOMElement();
  });
});
