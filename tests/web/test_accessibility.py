"""What holds on every view, panel and dialog.

axe finds nothing serious or critical, in both themes and on a phone; nothing is wider than the
window; the keyboard's focus is seen; motion can be off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import SHOTS, NewContext, OpenPage, Server, shoot
from tests.web.demo import LAST
from tests.web.explore_page import wait_for_index
from tests.web.looks import COLOURS, SIZES, serious
from tests.web.trace_page import TracePage
from tests.web.views import VIEWS, failed, generated_token
from tests.web.waits import painted


@pytest.fixture(scope="module", autouse=True)
def _indexed(server: Server) -> None:
    wait_for_index(server)


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return wider


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


SCHEMES: list[Literal["dark", "light"]] = ["dark", "light"]


def in_all_schemes(page: Page, name: str) -> None:
    """Pictures for people to look at, if they asked for some."""
    for scheme in SCHEMES if SHOTS else ():
        page.emulate_media(color_scheme=scheme)
        painted(page)
        shoot(page, f"{name}-{scheme}")


@pytest.mark.parametrize(
    "show", [show for show in VIEWS if show is not failed], ids=lambda show: show.__name__
)
def test_every_view(open_page: OpenPage, show: Callable[[Page], None]) -> None:
    page = open_page(scheme="light", expect_failed_requests=True)
    TracePage(page).wait()
    show(page)
    light = background(page)
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    assert serious(page, only=COLOURS) == []
    assert background(page) != light
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        in_all_schemes(page, f"{show.__name__}-{width}")
        assert too_wide(page) <= 0, width
    assert serious(page) == []  # as on a phone


@pytest.mark.parametrize("scheme", SCHEMES)
def test_results_that_are_out_of_date(open_page: OpenPage, scheme: str) -> None:
    """Each scheme on a page of its own: when it changes, such results keep the old one's ink until
    they are drawn again (Chromium, custom properties within an animation that has ended)."""
    page = open_page(scheme=scheme, expect_failed_requests=True)
    TracePage(page).wait()
    failed(page)
    assert serious(page) == []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        painted(page)
        shoot(page, f"failed-{width}-{scheme}")
        assert too_wide(page) <= 0, width
    assert serious(page) == []  # as on a phone


def focused_outline(page: Page) -> str:
    """How the element with the focus is marked, or what it is, where it is not."""
    outline: str = page.evaluate(
        """() => {
          const marked = (element) => {
            const { outlineStyle, outlineWidth } = getComputedStyle(element)
            return outlineStyle !== 'none' && outlineWidth !== '0px'
          }
          // A radio button of a segmented control is marked by the label that stands for it.
          const here = document.activeElement
          const shown = [here, here.nextElementSibling].filter(Boolean)
          return shown.some(marked) ? 'marked' : here.outerHTML.slice(0, 200)
        }"""
    )
    return outline


def test_the_focus_is_seen_wherever_tab_leads(open_page: OpenPage) -> None:
    page = open_page(expect_failed_requests=True)
    TracePage(page).wait()
    generated_token(page)
    page.locator("body").press("Home")
    seen = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        at: str = page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
        if at.startswith("<body"):
            break
        seen.add(at)
        assert focused_outline(page) == "marked"
    assert len(seen) > 30


MOVING = """() => document.getAnimations()
  .map(({ effect }) => effect.getComputedTiming())
  .filter(({ duration }) => duration > 10).length"""

SCROLLED_AT_ONCE = """() => {
  const ladder = document.querySelector('nav[aria-label="Top token after each layer"]')
  const body = document.querySelector('[data-testid=layers]').closest('section').lastElementChild
  ;[...ladder.querySelectorAll('button')].at(-1).click()
  return body.scrollTop > 0
}"""


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_do_not_want_it(
    new_context: NewContext, open_page: OpenPage, wish: Literal["reduce", "no-preference"]
) -> None:
    context = new_context(reduced_motion=wish)
    # generating never begins, so that its caret goes on blinking
    context.route("**/api/v1/generate/stream", lambda route: None)
    page = open_page(context=context)
    view = TracePage(page)
    view.trace("My wife is working as a")
    assert page.evaluate(SCROLLED_AT_ONCE) == (wish == "reduce")
    expect(view.list(f"After layer {LAST}")).to_be_in_viewport()
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    # what moves is there now: the caret behind the text, the bar of the panel that waits
    expect(page.get_by_test_id("run-unedited")).to_have_attribute("aria-busy", "true")
    painted(page)
    assert (page.evaluate(MOVING) > 0) == (wish != "reduce")
