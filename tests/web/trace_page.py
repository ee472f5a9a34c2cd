"""The Trace view as its users see it: words for what the tests do there."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, Route, expect

from tests.web.waits import Seen, until


@dataclass(frozen=True)
class TracePage:
    """Where things are on the page, by role and name."""

    page: Page

    @property
    def prompt(self) -> Locator:
        return self.page.get_by_role("textbox", name="Prompt", exact=True)

    @property
    def final(self) -> Locator:
        return self.page.get_by_test_id("final-prediction")

    @property
    def strip(self) -> Locator:
        """The tokens of the prompt, of which one is traced."""
        name = "Tokens of the prompt: choose the traced position"
        return self.page.get_by_role("list", name=name)

    @property
    def details(self) -> Locator:
        return self.page.get_by_role("region", name="Value Vector Details")

    def list(self, name: str) -> Locator:
        """One of a layer's three lists, such as "After layer 7"."""
        return self.page.get_by_role("list", name=name, exact=True)

    def card(self, value: str) -> Locator:
        return self.page.get_by_test_id(f"intervention-{value}")

    def wait(self) -> None:
        """Until a trace is shown and nothing is on its way."""
        expect(self.page.get_by_test_id("layers")).to_be_visible()
        expect(self.final).to_have_attribute("aria-busy", "false")
        expect(self.final).not_to_have_attribute("data-outdated", "true")
        # layers out of sight are drawn a moment after those in sight
        expect(self.page.get_by_test_id("layers")).not_to_have_attribute("aria-busy", "true")

    def trace(self, prompt: str) -> None:
        # the example that a first visit opens on
        expect(self.page.get_by_test_id("layers")).to_be_visible()
        self.prompt.fill(prompt)
        self.prompt.press("Enter")
        expect(self.page.get_by_role("button", name="Trace", exact=True)).to_be_enabled()
        self.wait()

    def choose_example(self, title: str) -> None:
        self.page.get_by_role("button", name="Select Example").click()
        self.page.get_by_role("menuitem", name=title).click()
        self.wait()

    def add(self, value: str) -> None:
        box = self.page.get_by_role("textbox", name="Value vector to change, such as L12D34")
        box.fill(value)
        box.press("Enter")

    def prediction(self, column: str) -> list[tuple[str, str]]:
        """Final prediction: (token, probability) as shown in the column "unedited" or "edited"."""
        headers = [text.strip() for text in self.final.locator("thead th").all_inner_texts()]
        at = next(i for i, text in enumerate(headers) if text.lower() == column)
        rows = self.final.locator("tbody tr").all()
        return [
            (row.locator("th").inner_text(), row.locator("th, td").nth(at).inner_text())
            for row in rows
        ]

    def probabilities(self, column: str) -> list[str]:
        return [prob for _, prob in self.prediction(column)]

    def tokens(self, name: str) -> list[tuple[str, str]]:
        """A layer's list of tokens: (token, probability) as shown."""
        listed = self.list(name)
        listed.scroll_into_view_if_needed()  # what is far from sight has no text as shown
        items = listed.get_by_role("listitem").all_inner_texts()
        return [(token, prob) for token, prob in (split(item) for item in items)]


def drag(handle: Locator, start: float, part: str) -> None:
    """Take a slider's thumb at the share `start` of its width and leave it beyond its end: to and
    fro, frame by frame, until three replies have been seen in `part` (a selector) meanwhile.

    The server is slower than the hand: every trace is answered three moves after it was asked for,
    on any machine. A page that gives a question up for the next one sees no reply at all.
    """
    page = handle.page
    box = handle.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    seen = Seen(page, part)
    held: list[tuple[int, Route]] = []
    moves = 0

    def hold(route: Route) -> None:
        held.append((moves, route))

    def answer(asked_by: int) -> None:
        while held and held[0][0] <= asked_by:
            with contextlib.suppress(PlaywrightError):  # the page gave it up
                held.pop(0)[1].continue_()

    def move() -> bool:
        nonlocal moves
        moves += 1
        share = start + (1 - start) * (moves % 20) / 20
        page.mouse.move(box["x"] + box["width"] * share, middle)
        answer(moves - 3)
        return len(set(seen.texts)) > 3

    page.route("**/api/v1/trace", hold)
    page.mouse.move(box["x"] + box["width"] * start, middle)
    page.mouse.down()
    until(page, move)
    page.unroute("**/api/v1/trace", hold)
    answer(moves)
    page.mouse.move(box["x"] + box["width"] + 60, middle)
    page.mouse.up()


def split(item: str) -> tuple[str, str]:
    """Shown token and number of a row."""
    token, _, number = re.sub(r"\s*\n\s*", "\n", item.strip()).rpartition("\n")
    return token, number


def shown(prob: float) -> str:
    """The page's way to write a probability."""
    if prob >= 0.9995:
        return "1.00"
    return "<.001" if 0 < prob < 0.0005 else f"{prob:.3f}".removeprefix("0")


def final(reply: dict[str, Any], rows: int, run: str = "edited") -> list[str]:
    """A run's prediction in a reply of the API, as the page writes it."""
    top = reply[run]["positions"][0]["layers"][-1]["after"]["top"]
    return [shown(item["prob"]) for item in top[:rows]]
