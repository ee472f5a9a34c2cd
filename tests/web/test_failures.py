"""The wrong thing on purpose: every failure is a sentence beside it, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.web.conftest import NewContext, OpenPage, Server, shoot
from tests.web.demo import FFN_WIDTH, LAST, N_POSITIONS, too_long
from tests.web.trace_page import TracePage, final
from tests.web.waits import Asked, Held, Seen, address


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    page = open_page(expect_failed_requests=True)
    TracePage(page).wait()
    return page


def test_a_layer_that_does_not_exist_names_the_range(page: Page) -> None:
    view = TracePage(page)
    view.add("L99D1")
    there = page.get_by_test_id("interventions")
    expect(there).to_contain_text(re.compile(rf"0 (to|–|-) {LAST}\b"))
    expect(view.card("L99D1")).to_have_count(0)
    view.add(f"L1D{FFN_WIDTH}")
    expect(there).to_contain_text(re.compile(rf"0 (to|–|-) {FFN_WIDTH - 1}\b"))
    view.add(f"L1D{FFN_WIDTH - 1}")
    expect(view.card(f"L1D{FFN_WIDTH - 1}")).to_be_visible()


def test_what_is_no_vector_is_said_so_and_kept(page: Page) -> None:
    view = TracePage(page)
    view.add("layer twelve")
    expect(page.get_by_test_id("interventions")).to_contain_text("L12D34")
    box = page.get_by_role("textbox", name="Value vector to change, such as L12D34")
    expect(box).to_have_value("layer twelve")


def test_a_prompt_that_is_too_long(page: Page) -> None:
    view = TracePage(page)
    long = too_long()
    view.prompt.fill(long)
    view.prompt.press("Enter")
    message = page.get_by_role("alert").filter(has_text=f"at most {N_POSITIONS}")
    expect(message).to_be_visible()
    expect(view.prompt).to_have_value(long)
    shoot(page, "too-long")
    view.trace("short again")
    expect(message).to_have_count(0)


def test_an_empty_prompt_cannot_be_traced_by_accident(page: Page) -> None:
    """It is said beside the box; what was traced stays, and nothing is asked of the server."""
    view = TracePage(page)
    shown = view.prediction("unedited"), view.strip.inner_text(), address(page)
    asked = Asked(page, "/api/v1/trace")
    view.prompt.fill("")
    view.prompt.press("Enter")
    said = page.get_by_role("alert").filter(has_text="Type a prompt first")
    expect(said).to_be_visible()
    page.get_by_role("button", name="Trace", exact=True).click()
    expect(view.prompt).to_be_focused()
    expect(view.prompt).to_have_value("")
    assert (view.prediction("unedited"), view.strip.inner_text(), address(page)) == shown
    # what is asked next is the first that is asked
    view.trace("The king")
    expect(said).to_have_count(0)
    assert [json.loads(body)["prompt"] for body in asked.bodies] == ["The king"]


def test_a_failed_generation_keeps_the_page(page: Page) -> None:
    """The reference went white."""
    view = TracePage(page)
    view.trace("The king")
    shown = view.prediction("unedited")
    page.route("**/api/v1/generate/stream", lambda route: route.fulfill(status=500, body="oops"))
    page.get_by_role("button", name="Generate", exact=True).click()
    failed = page.get_by_test_id("run-unedited").get_by_role("alert")
    expect(failed).to_be_visible()
    assert view.prediction("unedited") == shown
    expect(view.prompt).to_have_value("The king")
    page.unroute("**/api/v1/generate/stream")
    failed.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Continue from here")).to_be_visible()
    expect(failed).to_have_count(0)


def test_a_stale_reply_is_never_shown(page: Page, server: Server) -> None:
    """The reply to the first prompt comes after the second one's has been shown, and before the
    third one's: it would be seen between them."""
    view = TracePage(page)
    held = Held(page, "**/api/v1/trace", lambda request: "slow" in (request.post_data or ""))
    view.prompt.fill("The slow one")
    view.prompt.press("Enter")
    late = held.wait(page)
    view.trace("The quick brown")
    expect(view.strip).to_contain_text("quick")
    before = view.prediction("unedited")
    shown = Seen(page, "ol[aria-label^='Tokens of the prompt']")
    reply = server.post("/api/v1/trace", {"prompt": "The slow one"})
    with contextlib.suppress(PlaywrightError):  # the page gave the request up, which is as good
        late.fulfill(json=reply)
    assert view.prediction("unedited") == before
    view.trace("The brown fox")
    expect(view.strip).to_contain_text("fox")
    assert len(shown.texts) >= 2
    assert [text for text in shown.texts if "slow" in text] == []


NEWER = "This link was made by a newer version of LM-Debugger"


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("/#/trace?v=1&p=%E0%A4%A&i=((((", None),
        ("/#/trace?v=999&prompt=x", NEWER),
        ("/#/trace?i=" + "L1D1on," * 4000, None),
        ("/#/trace?v=1&p=x&i=" + "L1D1*on_" * 20_000, "This link is too long to be read."),
        ("/#/nowhere", None),
        ("/#/explore?value=L99999999999D1", None),
    ],
    ids=["encoding", "version", "interventions", "too-long", "view", "explore"],
)
def test_a_hostile_link_does_no_harm(
    open_page: OpenPage, server: Server, link: str, sentence: str | None
) -> None:
    """What cannot be read is left out, or said so; the page can be used."""
    page = open_page(link, expect_failed_requests=True)
    if sentence:
        expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_test_id("interventions")).to_contain_text("Nothing is changed.")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Trace").click()
    view = TracePage(page)
    view.trace("The king and his")
    shown = view.probabilities("unedited")
    reply = server.post("/api/v1/trace", {"prompt": "The king and his"})
    assert shown == final(reply, len(shown), "unedited")
    assert len(shown) >= 5


def test_tokens_that_are_html_are_shown_as_text(page: Page, server: Server) -> None:
    view = TracePage(page)
    markup = "<img src=x onerror=alert(1)> <script>x</script>"
    view.trace(markup)
    assert "".join(view.strip.locator("bdi").all_text_contents()) == markup
    assert page.locator("main img").count() == 0
    assert page.locator("main script").count() == 0


def test_what_is_typed_before_the_first_example_comes_is_kept(
    open_page: OpenPage, new_context: NewContext
) -> None:
    context = new_context()
    held = Held(context, "**/api/v1/examples")
    page = open_page(context=context)
    view = TracePage(page)
    view.prompt.fill("My own words")
    held.wait(page).continue_()
    # once they can be chosen, the page has had its chance to load the first
    page.get_by_role("button", name="Select Example").click()
    expect(page.get_by_role("menuitem").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(view.prompt).to_have_value("My own words")
    view.prompt.press("Enter")
    view.wait()
    assert "".join(view.strip.locator("bdi").all_text_contents()) == "My own words"


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_a_vector_that_is_not_there_is_said_in_a_line_or_two(
    open_page: OpenPage, width: int
) -> None:
    """And not in a column of single words beside the box."""
    page = open_page("/#/trace?v=1&p=The+king&i=L3D44*on", width=width)
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
