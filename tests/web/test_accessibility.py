"""axe-core on every view, both themes: nothing serious or critical."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPage, Server
from tests.web.explore_page import wait_for_index
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


def explore(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = `#/explore/${place}` }", place)


def searched(page: Page) -> None:
    explore(page, "search?v=1&q=music,antidisestablishmentarianism&qn=40&s=L5D541")
    expect(page.get_by_role("list", name="Value vectors found")).to_be_visible()


def searched_by_concept(page: Page) -> None:
    explore(page, "search?v=1&k=concepts&q=music,-school")
    expect(page.get_by_role("list", name="Value vectors found")).to_be_visible()


def not_searched(page: Page) -> None:
    explore(page, "search?v=1")
    expect(page.get_by_text("Keyword search finds")).to_be_visible()


def vector(page: Page) -> None:
    explore(page, "value?v=1&s=L5D541")
    expect(page.get_by_test_id("cloud")).to_be_visible()
    page.get_by_text("Both ends", exact=True).click()


def cluster(page: Page) -> None:
    explore(page, "cluster?v=1&c=0&s=L5D541")
    expect(page.get_by_test_id("cloud")).to_be_visible()
    page.get_by_text("Table", exact=True).click()


def mapped(page: Page) -> None:
    explore(page, "map?v=1")
    expect(page.get_by_role("table", name="Clusters")).to_be_visible()


def leafed(page: Page) -> None:
    explore(page, "layer?v=1&l=5")
    expect(page.get_by_role("button", name="L5D0")).to_be_visible()


def indexing(page: Page) -> None:
    state = {
        "model": "demo",
        "state": "building",
        "stage": "projections",
        "done": 3,
        "total": 8,
        "seconds_left": 12.5,
        "error": None,
        "layers_ready": 3,
        "n_layers": 8,
        "n_clusters": None,
    }
    page.route("**/api/v1/index?*", lambda route: route.fulfill(json=state))
    explore(page, "map?v=1")
    expect(page.get_by_role("progressbar")).to_be_visible()


def helped(page: Page) -> None:
    TracePage(page).wait()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def failed(page: Page) -> None:
    TracePage(page).wait()
    TracePage(page).prompt.fill("word " * 300)
    TracePage(page).prompt.press("Enter")
    expect(page.get_by_role("alert").first).to_be_visible()


@pytest.fixture(scope="module", autouse=True)
def _indexed(server: Server) -> None:
    wait_for_index(server)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "show",
    [
        traced,
        generated,
        helped,
        failed,
        searched,
        searched_by_concept,
        not_searched,
        vector,
        cluster,
        mapped,
        leafed,
        indexing,
    ],
)
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
