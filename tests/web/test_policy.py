"""The content security policy in a real browser: it is in force, and the page can do with it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.web.conftest import NewContext, OpenPage, Server
from tests.web.trace_page import TracePage
from tests.web.views import helped
from tests.web.waits import painted, until

MARKUP = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"

REFUSED = """() => {
  const refused = (window.refused = [])
  document.addEventListener("securitypolicyviolation", (event) =>
    refused.push(event.effectiveDirective))
  const add = (name, text, attributes = {}) => {
    const element = Object.assign(document.createElement(name), attributes)
    element.textContent = text
    document.body.append(element)
  }
  add("script", "window.ran = true")
  add("style", "body { outline: 3px solid red }")
  add("script", "", { src: "data:text/javascript,window.ran = true" })
  document.body.insertAdjacentHTML("beforeend", "<b style='color: red' onclick='window.ran = 1'>")
  document.querySelector("b:last-of-type").click()
}"""
OUTCOME = """() =>
  [window.refused.sort(), window.ran ?? false, getComputedStyle(document.body).outlineStyle]"""


def test_the_browser_refuses_what_is_inline(new_context: NewContext, server: Server) -> None:
    page = new_context().new_page()
    page.goto(server.url)
    page.evaluate(REFUSED)
    until(page, lambda: len(page.evaluate("window.refused")) >= 5)
    painted(page)
    refused, ran, outline = page.evaluate(OUTCOME)
    assert refused == [
        "script-src-attr",
        "script-src-elem",
        "script-src-elem",
        "style-src-attr",
        "style-src-elem",
    ]
    assert (ran, outline) == (False, "none")


def overflow(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).overflow")
    return found


def test_the_page_behind_a_dialog_does_not_scroll(open_page: OpenPage) -> None:
    """The one style that a library made inline, adopted instead."""
    page = open_page()
    TracePage(page).wait()
    for _ in range(2):
        assert overflow(page) == "visible"
        helped(page)
        assert overflow(page) == "hidden"
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert overflow(page) == "visible"


def test_what_was_typed_is_shown_as_text(open_page: OpenPage) -> None:
    """A prompt, traced and continued, and a name, in every place that shows them."""
    page = open_page()
    view = TracePage(page)
    view.trace(MARKUP)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_test_id("generated-unedited")).to_contain_text("window.hacked")
    assert page.evaluate("window.hacked ?? 0") == 0
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script:not([src])").count() == 0
