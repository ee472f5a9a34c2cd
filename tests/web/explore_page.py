"""The Explore view as its users see it: words for what the tests do there."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import cache
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Server
from tests.web.waits import painted


def ask(server: Server, path: str, **query: Any) -> Any:
    """What the API says, for comparison with what the page shows."""
    address = f"{server.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=60) as reply:
        return json.load(reply)


def wait_for_index(server: Server) -> None:
    deadline = time.monotonic() + 240
    while (state := ask(server, "index"))["state"] != "ready":
        assert state["state"] in ("waiting", "building"), state
        assert time.monotonic() < deadline, f"the index did not get ready: {state}"
        time.sleep(0.2)


@cache
def words(url: str, count: int) -> list[str]:
    """Lower-case words that keyword search finds in the bundled model at `url`, whatever model that
    is: tokens that vectors of its first layer list."""
    found: dict[str, None] = {}
    for dim in range(64):
        with urllib.request.urlopen(f"{url}/api/v1/values/0/{dim}?top_k=50", timeout=60) as reply:
            texts = [token["text"] for token in json.load(reply)["promoted"]]
        found |= dict.fromkeys(
            text[1:] for text in texts if re.fullmatch("[a-z]{4,}", text[1:]) and text[0] == " "
        )
        if len(found) >= count:
            break
    return list(found)[:count]


def key(hit: dict[str, Any]) -> str:
    return f"L{hit['layer']}D{hit['dim']}"


def score(value: float) -> str:
    """The page's way to write a score, a logit or a cosine."""
    size = abs(value)
    text = f"{size:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
    return f"\N{MINUS SIGN}{text}" if value < 0 else text


@dataclass(frozen=True)
class ExplorePage:
    """Where things are on the page, by role and name."""

    page: Page

    @property
    def search_box(self) -> Locator:
        return self.page.get_by_role("searchbox")

    @property
    def value(self) -> Locator:
        return self.page.get_by_test_id("value-page")

    @property
    def cluster(self) -> Locator:
        return self.page.get_by_test_id("cluster-page")

    @property
    def rows(self) -> Locator:
        """The clusters of the map that are in sight."""
        rows = self.page.get_by_role("table", name="Clusters").get_by_role("row")
        return rows.filter(has=self.page.get_by_role("rowheader"))

    def hits(self, name: str) -> list[tuple[str, str]]:
        """A list of vectors as shown once it is the answer: (`L12D34`, score)."""
        self.settle()
        listed = self.page.get_by_role("list", name=name, exact=True)
        expect(listed).to_be_visible()
        items = listed.get_by_role("listitem")
        buttons = [item.get_by_role("button").first for item in items.all()]
        spans = [button.locator("> span") for button in buttons]
        return [
            (span.nth(0).text_content() or "", span.nth(1).text_content() or "") for span in spans
        ]

    def search(self, query: str) -> None:
        self.search_box.fill(query)
        self.search_box.press("Enter")
        self.settle()

    def settle(self) -> None:
        """Until nothing shown is the answer to an earlier question."""
        painted(self.page)
        expect(self.page.locator("[data-outdated]")).to_have_count(0)

    def shows_value(self, value: str) -> None:
        """The page of a vector, and the address that leads there."""
        if re.fullmatch(r"L\d+D\d+", value):
            expect(self.page).to_have_url(re.compile(rf"[?&]s={value}(&|$)"))
        expect(self.value.get_by_test_id("details-title")).to_contain_text(value)

    def choose(self, label: str) -> None:
        """One of the page's segmented choices."""
        self.page.get_by_text(label, exact=True).click()
        self.settle()


def shown_hits(hits: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The same list as the API has it."""
    return [(key(hit), score(hit["score"])) for hit in hits]
