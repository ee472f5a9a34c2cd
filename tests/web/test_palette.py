"""The command palette: everything by a few letters, from the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.demo import LAST
from tests.web.explore_page import wait_for_index, words
from tests.web.trace_page import TracePage
from tests.web.waits import Held, back, until


def box(page: Page) -> Locator:
    return page.get_by_role("combobox", name=re.compile("^Command, value vector"))


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


def selected(page: Page) -> Locator:
    return page.get_by_role("option", selected=True)


def find(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    page.keyboard.type(text)
    expect(box(page)).to_have_value(text)


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    page = open_page()
    TracePage(page).wait()
    return page


def test_opens_by_key_or_button_and_gives_the_focus_back(page: Page) -> None:
    view = TracePage(page)
    view.prompt.focus()
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    expect(options(page).first).to_be_visible()
    shoot(page, "palette")
    page.keyboard.press("Escape")
    expect(box(page)).to_have_count(0)
    expect(view.prompt).to_be_focused()
    button = page.get_by_role("banner").get_by_role("button", name=re.compile("^Find"))
    button.click()
    expect(box(page)).to_be_focused()
    page.keyboard.press("Control+k")
    expect(box(page)).to_have_count(0)
    expect(button).to_be_focused()


def test_walks_through_the_list_with_the_focus_in_the_box(page: Page) -> None:
    find(page, "theme")
    count = options(page).count()
    assert count >= 3
    said = []
    for _ in range(count):
        active = box(page).get_attribute("aria-activedescendant")
        assert selected(page).get_attribute("id") == active
        said.append(active)
        page.keyboard.press("ArrowDown")
    assert len(set(said)) == count
    # the end leads back to the beginning, and the other way round
    assert box(page).get_attribute("aria-activedescendant") == said[0]
    page.keyboard.press("ArrowUp")
    assert box(page).get_attribute("aria-activedescendant") == said[-1]
    expect(box(page)).to_be_focused()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(f"{count} to choose from")


def test_runs_actions_of_the_table_of_shortcuts(page: Page) -> None:
    find(page, "light th")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    find(page, "dark theme")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    find(page, "grid of all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Grid")).to_be_checked()
    find(page, "this list")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    # what moves the focus has the last word
    find(page, "type a vector")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Value vector to change")).to_be_focused()


def test_vectors_by_number_and_by_name(page: Page) -> None:
    view = TracePage(page)
    find(page, "l3d7")
    expect(selected(page)).to_contain_text("L3D7: show its details")
    page.keyboard.press("Enter")
    expect(view.details).to_contain_text("L3D7")
    view.details.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name of L3D7").fill("<b>brass</b> band")
    page.keyboard.press("Enter")

    find(page, "brass interventions")
    expect(selected(page)).to_contain_text("<b>brass</b> band: send to Interventions")
    assert page.get_by_role("dialog").locator("b").count() == 0
    shoot(page, "palette-name")
    page.keyboard.press("Enter")
    expect(view.card("L3D7")).to_be_visible()

    find(page, "L99D1")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text(f"layers 0 to {LAST}")
    expect(options(page)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(box(page)).to_be_visible()
    shoot(page, "palette-no-such-vector")


def test_examples_and_prompts_traced_before(page: Page) -> None:
    view = TracePage(page)
    view.trace("The trumpet and the drum")
    view.trace("Something else")
    find(page, "trumpet")
    page.keyboard.press("Enter")
    expect(view.prompt).to_have_value("The trumpet and the drum")
    view.wait()
    find(page, "my wife is working")
    page.get_by_role("option", name=re.compile("My wife is working as a")).first.click()
    expect(view.prompt).to_have_value("My wife is working as a")
    view.wait()


def test_search_from_anywhere_and_back(page: Page, server: Server) -> None:
    wait_for_index(server)
    (word,) = words(server.url, 1)
    TracePage(page).trace("The king and his")
    find(page, word)
    page.get_by_role("option", name=f"Search value vectors for “{word}”").click()
    expect(page.get_by_role("searchbox")).to_have_value(word)
    expect(page.get_by_role("list", name="Value vectors found")).to_be_visible()
    back(page)
    expect(TracePage(page).prompt).to_have_value("The king and his")


def test_nothing_found_is_said_so(page: Page) -> None:
    find(page, "qqqq")
    expect(page.get_by_role("dialog").get_by_text("Nothing is called that.")).to_be_visible()
    # but the value vectors can still be searched for it
    expect(options(page)).to_have_count(2)
    shoot(page, "palette-nothing")


def test_is_there_when_the_server_no_longer_is(open_page: OpenPage) -> None:
    own = Server("demo", "--auto-index", "false")
    try:
        page = open_page(at=own, expect_failed_requests=True)
        TracePage(page).wait()
        loaded = "performance.getEntriesByType('resource').some(({name}) => /Palette/.test(name))"
        until(page, lambda: page.evaluate(loaded))
        own.stop()
        find(page, "dark theme")
        page.keyboard.press("Enter")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    finally:
        own.stop()


def test_letters_typed_before_it_is_there_are_its_own(open_page: OpenPage) -> None:
    page = open_page()
    view = TracePage(page)
    held = Held(page, re.compile(r"/Palette.*js"))
    view.wait()
    view.list("Dominant sub-updates of layer 0").get_by_role("button").first.focus()
    page.keyboard.press("Control+k")
    # each is a shortcut of the page: to Interventions, edited run, Explore
    page.keyboard.type("i2e")
    held.wait(page).continue_()
    expect(box(page)).to_have_value("i2e")
    page.keyboard.type(" more")
    expect(box(page)).to_have_value("i2e more")
    page.keyboard.press("Escape")
    expect(page.get_by_role("list", name="Changed value vectors")).to_have_count(0)
    expect(view.prompt).to_be_visible()
