"""The panel of all sub-updates of a layer, as its tests use it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Server
from tests.web.trace_page import TracePage

PROMPT = "My wife is working as a"
FIRST = 50
"""So many are listed at first."""


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name=re.compile("^Sub-updates of layer"))


def rows(page: Page) -> Locator:
    return page.get_by_test_id("sub-updates").locator("tbody tr")


def vectors(page: Page) -> list[str]:
    return [
        row.get_attribute("data-value") or "" for row in rows(page).locator("[data-value]").all()
    ]


def is_there(page: Page, layer: int, count: int = FIRST) -> None:
    """Until the sub-updates of that layer are shown, and nothing is on its way."""
    expect(page.get_by_role("region", name=f"Sub-updates of layer {layer}")).to_be_visible()
    expect(rows(page)).to_have_count(count)
    expect(page.locator("[data-outdated] [data-testid=sub-updates]")).to_have_count(0)
    expect(rows(page).first.locator("[data-value]")).to_have_attribute(
        "data-value", re.compile(f"^L{layer}D")
    )


def open_layer(page: Page, layer: int) -> TracePage:
    view = TracePage(page)
    view.wait()
    page.get_by_role("button", name=f"All sub-updates of layer {layer}").click()
    is_there(page, layer)
    return view


def ask(server: Server, **question: Any) -> list[dict[str, Any]]:
    body = {"prompt": PROMPT, "n_tokens": 5, "top_k": FIRST, **question}
    found: list[dict[str, Any]] = server.post("/api/v1/sub_updates", body)["sub_updates"]
    return found


def key(item: dict[str, Any]) -> str:
    return f"L{item['layer']}D{item['dim']}"


def number(title: str | None) -> float:
    found = re.search(r"-?\d[\d.]*(?:e-?\d+)?", title or "")
    assert found is not None, title
    return float(found[0])


def token_ids(cells: Locator) -> list[int]:
    titles = [each.get_attribute("title") or "" for each in cells.all()]
    return [int(title.rpartition("token ")[2]) for title in titles]
