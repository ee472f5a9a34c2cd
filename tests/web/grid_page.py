"""The grid as the tests of the page find it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.reference import Edit

PROMPT = "My wife is working as a"
EDITS: list[Edit] = [
    {"layer": 1, "dim": 5, "kind": "set", "value": 6.0},
    {"layer": 0, "dim": 9, "kind": "scale", "value": -2.0},
]


def grid(page: Page) -> Locator:
    return page.get_by_test_id("grid")


def cell(page: Page, state: int, column: int) -> Locator:
    return grid(page).locator(f"[data-state='{state}'][data-column='{column}']")


def settled(page: Page) -> None:
    expect(grid(page)).to_be_visible()
    expect(grid(page)).not_to_have_attribute("data-outdated", "true")


def choose(page: Page, group: str, name: str) -> None:
    page.get_by_role("group", name=group).get_by_text(name, exact=True).click()
