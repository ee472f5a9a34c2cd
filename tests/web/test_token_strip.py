"""The strip of a long prompt's tokens."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.web.conftest import OpenPage
from tests.web.demo import N_POSITIONS
from tests.web.trace_page import TracePage
from tests.web.waits import back


def test_the_strip_of_a_long_prompt(open_page: OpenPage) -> None:
    # a letter is a token in any vocabulary
    page = open_page(f"/#/trace?v=1&p={'+'.join(['a'] * (N_POSITIONS - 20))}")
    TracePage(page).wait()
    strip = TracePage(page).strip
    tokens = strip.get_by_role("button")
    last = tokens.count() - 1
    assert last >= 200
    expect(tokens.nth(last)).to_be_in_viewport()
    expect(tokens.nth(last)).to_have_attribute("aria-pressed", "true")
    tokens.nth(last).focus()
    page.keyboard.press("Home")
    expect(tokens.first).to_be_focused()
    expect(tokens.first).to_be_in_viewport(ratio=1)
    page.keyboard.press("ArrowDown")
    here, above = (
        box for each in (strip.locator(":focus"), tokens.first) if (box := each.bounding_box())
    )
    assert here["y"] > above["y"]
    assert abs(here["x"] - above["x"]) < 40
    page.keyboard.press("ArrowUp")
    expect(tokens.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(tokens.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("t=1(&|$)"))
    # picked from elsewhere, it comes into sight
    page.keyboard.press("End")
    expect(tokens.nth(last)).to_be_focused()
    page.keyboard.press("[")
    expect(tokens.first).to_have_attribute("aria-pressed", "true")
    expect(tokens.first).to_be_in_viewport(ratio=1)
    expect(page).to_have_url(re.compile("t=0(&|$)"))
    back(page)
    expect(tokens.nth(1)).to_have_attribute("aria-pressed", "true")
    back(page)
    expect(tokens.nth(last)).to_have_attribute("aria-pressed", "true")
    expect(tokens.nth(last)).to_be_in_viewport(ratio=1)
