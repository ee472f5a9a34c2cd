"""The wrong thing on purpose: every failure is a sentence beside it, and nothing is lost."""

from __future__ import annotations

import contextlib
import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from playwright.sync_api import Error as PlaywrightError

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.trace_page import TracePage


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    page = open_page(expect_failed_requests=True)
    TracePage(page).wait()
    return page


def test_a_layer_that_does_not_exist_names_the_range(page: Page) -> None:
    view = TracePage(page)
    view.add("L99D1")
    expect(page.get_by_test_id("interventions")).to_contain_text(re.compile("0 (to|–|-) 7"))
    expect(view.card("L99D1")).to_have_count(0)
    view.add("L1D5000")
    expect(page.get_by_test_id("interventions")).to_contain_text(re.compile("0 (to|–|-) 1279"))


def test_what_is_no_vector_is_said_so_and_kept(page: Page) -> None:
    view = TracePage(page)
    view.add("layer twelve")
    expect(page.get_by_test_id("interventions")).to_contain_text("L12D34")
    box = page.get_by_role("textbox", name="Value vector to change, such as L12D34")
    expect(box).to_have_value("layer twelve")


def test_a_prompt_that_is_too_long(page: Page) -> None:
    view = TracePage(page)
    long = "word " * 300
    view.prompt.fill(long)
    view.prompt.press("Enter")
    message = page.get_by_role("alert").filter(has_text=re.compile("at most 256"))
    expect(message).to_be_visible()
    expect(view.prompt).to_have_value(long)
    shoot(page, "too-long")
    view.trace("short again")
    expect(message).to_have_count(0)


def test_an_empty_prompt_cannot_be_traced_by_accident(page: Page) -> None:
    view = TracePage(page)
    view.prompt.fill("")
    view.prompt.press("Enter")
    page.wait_for_timeout(300)
    expect(view.prompt).to_have_value("")
    expect(page.get_by_test_id("layers")).to_be_visible()


def test_a_failed_generation_keeps_the_page(page: Page) -> None:
    """The reference went white."""
    view = TracePage(page)
    page.route("**/api/v1/generate/stream", lambda route: route.fulfill(status=500, body="oops"))
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_test_id("layers")).to_be_visible()
    expect(view.prompt).not_to_have_value("")


def test_a_stale_reply_is_never_shown(page: Page) -> None:
    """The reply to the first prompt is held back until the second one's has been shown."""
    view = TracePage(page)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if "slow" in (route.request.post_data or "") and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/v1/trace", hold_the_first)
    view.prompt.fill("The slow one")
    view.prompt.press("Enter")
    page.wait_for_timeout(300)
    assert held
    view.prompt.fill("The quick brown")
    view.prompt.press("Enter")
    strip = page.get_by_role("list", name="Tokens of the prompt: choose the traced position")
    expect(strip).to_contain_text("quick")
    view.wait()
    before = view.probabilities("unedited")
    with contextlib.suppress(PlaywrightError):  # the page gave the request up, which is as good
        held[0].continue_()
    page.wait_for_timeout(600)
    expect(strip).to_contain_text("quick")
    expect(strip).not_to_contain_text("slow")
    assert view.probabilities("unedited") == before


def test_a_hostile_link_does_no_harm(open_page: OpenPage) -> None:
    for address in (
        "/#/trace?v=1&p=%E0%A4%A&i=((((",
        "/#/trace?v=999&prompt=x",
        "/#/trace?i=" + "L1D1on," * 4000,
        "/#/nowhere",
        "/#/explore?value=L99999999999D1",
    ):
        page = open_page(address, expect_failed_requests=True)
        expect(page.get_by_role("banner")).to_contain_text("LM-Debugger")
        expect(page.get_by_role("main")).to_be_visible()


def test_tokens_that_are_html_are_shown_as_text(page: Page, server: Server) -> None:
    view = TracePage(page)
    view.trace("<img src=x onerror=alert(1)> <script>x</script>")
    strip = page.get_by_role("list", name="Tokens of the prompt: choose the traced position")
    expect(strip).to_contain_text("<")
    assert page.locator("main img").count() == 0
    assert page.locator("main script").count() == 0


def test_what_is_typed_before_the_first_example_comes_is_kept(
    open_page: OpenPage, browser: Browser
) -> None:
    context = browser.new_context()
    held: list[Route] = []
    context.route("**/api/v1/examples", lambda route: held.append(route))
    page = open_page(context=context)
    view = TracePage(page)
    view.prompt.fill("My own words")
    while not held:
        page.wait_for_timeout(50)
    with page.expect_response("**/api/v1/examples"):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(view.prompt).to_have_value("My own words")
    context.close()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_a_vector_that_is_not_there_is_said_in_a_line_or_two(
    open_page: OpenPage, width: int
) -> None:
    """And not in a column of single words beside the box."""
    page = open_page("/#/trace?v=1&p=The+king&i=L7D44*on", width=width)
    view = TracePage(page)
    view.wait()
    unfold = page.get_by_role("button", name="Unfold the interventions")
    if unfold.is_visible():
        unfold.click()
    view.add("L99D5")
    problem = page.get_by_role("alert").filter(has_text="There is no layer 99")
    expect(problem).to_be_visible()
    assert problem.evaluate("each => each.getBoundingClientRect().height") <= 48
    clipped = """each => {
        const {left, top, right, bottom} = each.getBoundingClientRect();
        const corners = [[left + 2, top + 2], [right - 2, top + 2], [left + 2, bottom - 2]];
        return corners.filter(([x, y]) => !each.contains(document.elementFromPoint(x, y)));
    }"""
    assert problem.evaluate(clipped) == []
    shoot(page, f"no-such-vector-{width}")
