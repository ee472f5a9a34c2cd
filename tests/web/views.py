"""Every view, panel and dialog of the page, as one function each that leads there.

For what must hold on all of them: test_accessibility.py. Each takes a page that shows a trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.web.demo import N_LAYERS, N_POSITIONS, too_long
from tests.web.explore_page import words
from tests.web.trace_page import TracePage

EDITED = "/trace?v=1&p=My+wife+is+working+as+a&i=L3D17*scale*-3_L2D41*on_-L3D3*off"

# --- Trace ---


def go(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = `#${place}` }", place)


def origin(page: Page) -> str:
    """Where its server answers."""
    return page.url.partition("/#")[0]


def traced(page: Page) -> None:
    view = TracePage(page)
    view.trace("My wife is working as a")
    view.add("L3D5")
    view.wait()
    view.list("Dominant sub-updates of layer 2").get_by_role("button").first.click()
    expect(view.list("Promotes these tokens")).to_be_visible()


def compared(page: Page) -> None:
    go(page, EDITED + "&r=difference")
    expect(page.get_by_role("radio", name="Difference")).to_be_checked()
    TracePage(page).wait()


def odd_tokens(page: Page) -> None:
    TracePage(page).trace("a\n\tb\u00a0c <b>x</b> שלום 😀 \u200b\u202e é")


def long_prompt(page: Page) -> None:
    TracePage(page).trace("antidisestablishmentarianism " * (N_POSITIONS // 16) + "x")


def all_sub_updates(page: Page) -> None:
    compared(page)
    page.get_by_role("button", name="All sub-updates of layer 0").click()
    expect(page.get_by_role("region", name="Sub-updates of layer 0")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Send L0D")).first).to_be_visible()


def grid(page: Page) -> None:
    go(page, EDITED + "&w=grid")
    expect(page.get_by_role("gridcell").first).to_be_visible()


def grid_difference(page: Page) -> None:
    go(page, EDITED + "&w=grid&r=difference")
    expect(page.get_by_role("gridcell").first).to_be_visible()
    page.get_by_role("gridcell").first.focus()


def why_nothing(page: Page) -> None:
    go(page, EDITED + "&w=why")
    expect(page.get_by_role("button", name=re.compile("^Why"))).to_be_visible()


def why(page: Page) -> None:
    why_nothing(page)
    page.get_by_role("button", name=re.compile("^Why")).click()
    expect(page.get_by_test_id("lines")).to_be_visible()
    contributions = page.get_by_role("list", name="Sub-updates by direct contribution")
    expect(contributions.get_by_role("listitem").first).to_be_visible()


def why_searched(page: Page) -> None:
    why(page)
    page.get_by_role("combobox", name="Add a token to follow").fill("th")
    expect(page.get_by_role("option").first).to_be_visible()


def grouped(page: Page) -> None:
    compared(page)
    group = page.get_by_role("region", name="Interventions").get_by_role("button", name="Group")
    group.click()
    page.get_by_role("menuitem", name=re.compile("^New group with")).click()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name=re.compile("^Group "))).to_be_visible()


# --- Generate ---


def generated(page: Page) -> None:
    compared(page)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("button", name="Continue from here")).to_have_count(2)


def generated_token(page: Page) -> None:
    generated(page)
    page.get_by_test_id("generated-edited").get_by_role("button").nth(2).click()
    page.get_by_role("button", name="Trace its prediction").click()
    expect(page.locator("[data-traced]")).to_have_count(1)
    TracePage(page).wait()


def sampling(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^How tokens are chosen")).click()
    popover = page.get_by_role("dialog", name="How tokens are chosen")
    popover.get_by_text("Sample", exact=True).click()
    popover.get_by_role("textbox", name="Seed").fill("-1")
    expect(popover.get_by_role("alert")).to_be_visible()


# --- over the page ---


def helped(page: Page) -> None:
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name=re.compile("^Command, value vector"))


def palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    page.keyboard.type("my")
    expect(page.get_by_role("option", selected=True)).to_be_visible()


def palette_nothing(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    page.keyboard.type("L99D1")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("layers 0 to")


def share_menu(page: Page) -> None:
    page.get_by_role("button", name="Share and save").click()
    expect(page.get_by_role("menu")).to_be_visible()


def program(page: Page) -> None:
    compared(page)
    share_menu(page)
    page.get_by_role("menuitem", name=re.compile("^Copy as Python")).click()
    expect(page.get_by_role("dialog").get_by_text("import", exact=False).first).to_be_visible()


def opening(page: Page) -> None:
    share_menu(page)
    page.get_by_role("menuitem", name=re.compile("^Open run")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill('{"format": "something else"}')
    dialog.get_by_role("button", name="Open this text").click()
    expect(dialog.get_by_role("alert")).to_be_visible()


def failed(page: Page) -> None:
    TracePage(page).prompt.fill(too_long())
    TracePage(page).prompt.press("Enter")
    expect(page.get_by_role("alert").first).to_be_visible()


# --- Explore ---


def searched(page: Page) -> None:
    (found,) = words(origin(page), 1)
    go(page, f"/explore/search?v=1&q={found},antidisestablishmentarianism&qn=40&s=L2D41")
    expect(page.get_by_role("list", name="Value vectors found")).to_be_visible()


def searched_by_concept(page: Page) -> None:
    a, b = words(origin(page), 2)
    go(page, f"/explore/search?v=1&k=concepts&q={a},-{b}")
    expect(page.get_by_role("list", name="Value vectors found")).to_be_visible()


def not_searched(page: Page) -> None:
    go(page, "/explore/search?v=1")
    expect(page.get_by_text("Keyword search finds")).to_be_visible()


def vector(page: Page) -> None:
    go(page, "/explore/value?v=1&s=L2D41")
    expect(page.get_by_test_id("cloud")).to_be_visible()
    page.get_by_text("Both ends", exact=True).click()


def cluster(page: Page) -> None:
    go(page, "/explore/cluster?v=1&c=0&s=L2D41")
    expect(page.get_by_test_id("cloud")).to_be_visible()
    page.get_by_text("Table", exact=True).click()


def mapped(page: Page) -> None:
    go(page, "/explore/map?v=1")
    expect(page.get_by_role("table", name="Clusters")).to_be_visible()


def leafed(page: Page) -> None:
    go(page, "/explore/layer?v=1&l=2")
    expect(page.get_by_role("button", name="L2D0")).to_be_visible()


def self_check(page: Page) -> None:
    page.get_by_test_id("model-picker").click()
    page.get_by_role("menuitem", name="What was checked").click()
    expect(page.get_by_role("dialog", name="Self-check")).to_be_visible()


def indexing(page: Page) -> None:
    state = {
        "model": "demo",
        "state": "building",
        "stage": "projections",
        "done": 3,
        "total": N_LAYERS,
        "seconds_left": 12.5,
        "error": None,
        "layers_ready": 3,
        "n_layers": N_LAYERS,
        "n_clusters": None,
    }
    page.route("**/api/v1/index?*", lambda route: route.fulfill(json=state))
    go(page, "/explore/map?v=1")
    expect(page.get_by_role("progressbar")).to_be_visible()


VIEWS: list[Callable[[Page], None]] = [
    traced,
    compared,
    odd_tokens,
    long_prompt,
    all_sub_updates,
    grid,
    grid_difference,
    why_nothing,
    why,
    why_searched,
    grouped,
    generated,
    generated_token,
    sampling,
    helped,
    palette,
    palette_nothing,
    share_menu,
    program,
    opening,
    self_check,
    failed,
    searched,
    searched_by_concept,
    not_searched,
    vector,
    cluster,
    mapped,
    leafed,
    indexing,
]
