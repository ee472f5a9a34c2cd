"""Groups and the share menu as their users see them: words for what the tests do there."""

from __future__ import annotations

import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.web.trace_page import TracePage
from tests.web.waits import address

PROMPT = "My wife is working as a"


class SharePage(TracePage):
    """A trace with interventions in groups."""

    def group(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=f"Group {name}", exact=True)

    def strength(self, name: str) -> Locator:
        """The number beside the slider."""
        return self.group(name).get_by_role("textbox", name=f"Strength of the group {name}")

    def new_group(self, entry: str, name: str) -> None:
        """By an entry of the Group menu, and with the name typed at once."""
        self.page.get_by_role("button", name="Group", exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()
        box = self.page.get_by_role("textbox", name="Name of the group")
        expect(box).to_be_focused()
        box.fill(name)
        box.press("Enter")

    def more(self, name: str, entry: str) -> None:
        """An entry of a group's or a card's own menu."""
        self.page.get_by_role("button", name=f"More about {name}", exact=True).click()
        items = self.page.get_by_role("menu").locator("[role^=menuitem]")
        items.filter(has_text=re.compile(rf"^{re.escape(entry)}")).click()

    def order(self) -> dict[str, list[str]]:
        """Vectors by group, as shown; "" has those in none."""
        found = self.page.get_by_test_id("interventions").evaluate(
            """panel => [...panel.querySelectorAll("ul")].map(list => [
                list.closest("section[data-testid^=group]")?.getAttribute("aria-label") ?? "",
                [...list.querySelectorAll("[data-value]")].map(each => each.dataset.value)])"""
        )
        return {label.removeprefix("Group "): cards for label, cards in found}

    def share(self, entry: str) -> None:
        self.page.get_by_role("button", name="Share and save").click()
        self.page.get_by_role("menuitem", name=entry).click()

    def undo(self) -> None:
        self.page.get_by_role("button", name="Undo", exact=True).first.click()

    def redo(self) -> None:
        self.page.get_by_role("button", name="Redo", exact=True).click()


def linked(items: str, groups: str = "", prompt: str = PROMPT, model: str | None = "demo") -> str:
    """The page's address; `model` None: the server's default."""
    named = "" if model is None else f"&m={model}"
    return f"/#/trace?v=1{named}&p={prompt.replace(' ', '+')}&i={items}{groups}"


def kept(page: Page) -> dict[str, list[str]]:
    """The whole state of the page, as the address has it, and what is in the prompt box."""
    query = address(page).partition("?")[2]
    found = urllib.parse.parse_qs(query, keep_blank_values=True, strict_parsing=True)
    found["box"] = [page.locator("main textarea").input_value()]
    return found


def drop(page: Page, name: str, content: str) -> None:
    """Drop a file in the middle of the page, over which it has been dragged."""
    page.evaluate(
        """([name, content]) => {
            const data = new DataTransfer();
            data.items.add(new File([content], name, {type: "application/json"}));
            const target = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
            for (const type of ["dragenter", "dragover", "drop"])
                target.dispatchEvent(new DragEvent(type,
                    {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [name, content],
    )


def downloaded(page: Page, click: Locator) -> tuple[str, Any]:
    """Name and JSON content of what a click downloads."""
    with page.expect_download() as waiting:
        click.click()
    path = waiting.value.path()
    assert path is not None
    return waiting.value.suggested_filename, json.loads(Path(path).read_text(encoding="utf-8"))
