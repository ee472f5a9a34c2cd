"""Generate, as its tests use it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Server
from tests.web.trace_page import TracePage

PROMPT = "My wife is working as a"


def text(page: Page, side: str) -> str:
    return page.get_by_test_id(f"generated-{side}").inner_text()


def tokens(page: Page, side: str) -> Locator:
    return page.get_by_test_id(f"generated-{side}").get_by_role("button")


def run(page: Page, side: str) -> Locator:
    return page.get_by_test_id(f"run-{side}")


def start(page: Page, count: int = 12, prompt: str = PROMPT) -> TracePage:
    view = TracePage(page)
    view.trace(prompt)
    page.get_by_role("spinbutton", name="Number of tokens to generate").fill(str(count))
    return view


def generate(page: Page) -> None:
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    expect(page.get_by_test_id("generated").get_by_role("status").last).to_contain_text("has ended")


def sampling(page: Page) -> Locator:
    """The settings beside Generate, opened, with chance chosen."""
    page.get_by_role("button", name=re.compile("^How tokens are chosen")).click()
    popover = page.get_by_role("dialog", name="How tokens are chosen")
    popover.get_by_text("Sample", exact=True).click()
    return popover


def ask(server: Server, **body: Any) -> dict[str, Any]:
    reply: dict[str, Any] = server.post("/api/v1/generate", {"prompt": PROMPT, **body})
    return reply


def ids(reply: dict[str, Any]) -> list[int]:
    return [step["token"]["id"] for step in reply["steps"]]
