"""axe-core on every view, both themes: nothing serious or critical."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPage
from tests.web.trace_page import TracePage


def traced(page: Page) -> None:
    view = TracePage(page)
    view.trace("My wife is working as a")
    view.add("L7D5")
    view.wait()
    view.list("Dominant sub-updates of layer 2").get_by_role("button").first.click()
    expect(view.list("Promotes these tokens")).to_be_visible()


def generated(page: Page) -> None:
    traced(page)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("button", name="Continue from here")).to_have_count(2)


def explored(page: Page) -> None:
    page.get_by_role("link", name="Explore").click()
    page.wait_for_timeout(1000)


def helped(page: Page) -> None:
    TracePage(page).wait()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def failed(page: Page) -> None:
    TracePage(page).wait()
    TracePage(page).prompt.fill("word " * 300)
    TracePage(page).prompt.press("Enter")
    expect(page.get_by_role("alert").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("show", [traced, generated, explored, helped, failed])
def test_no_serious_finding(open_page: OpenPage, show: Callable[[Page], None], scheme: str) -> None:
    page = open_page(scheme=scheme, expect_failed_requests=True)
    TracePage(page).wait()
    show(page)
    page.wait_for_timeout(300)  # transitions end, colours are final
    found = [
        f"{violation['id']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert found == []
