"""The server is gone, comes back, is started anew, hangs, or is of another version: the page says
so, goes on by itself, and loses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.reverse_proxy import proxying
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.own_server import Restartable, other_build
from tests.web.trace_page import TracePage

GONE = re.compile("The server cannot be reached")
SIZES = ((1440, 900), (1024, 768), (390, 844))


@pytest.fixture(scope="module")
def program() -> Iterator[Server]:
    """A process of its own, for what cannot be done to a thread."""
    server = Server("demo", "--auto-index", "false")
    yield server
    server.resume()
    server.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Restartable]:
    server = Restartable(tmp_path / "cache")
    server.start()
    yield server
    server.stop()


def notice(page: Page) -> Locator:
    """What the page says of the server, wherever it has room for it."""
    return page.get_by_role("status").filter(has_text="server")


def view_link(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Views").get_by_role("link", name=name)


def look_now(page: Page) -> None:
    """The window was hidden and is shown again: the page looks after the server."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def work(page: Page) -> TracePage:
    """A prompt, an intervention and a name, all the person's own."""
    view = TracePage(page)
    view.trace("The king and his")
    view.add("L3D5")
    view.wait()
    view.card("L3D5").get_by_role("button", name="L3D5", exact=True).click()
    view.details.get_by_role("button", name="Rename").click()
    view.details.get_by_role("textbox", name="Name of L3D5").fill("my own name")
    page.keyboard.press("Enter")
    expect(view.card("L3D5")).to_contain_text("my own name")
    return view


def expect_work(page: Page, prompt: str) -> None:
    view = TracePage(page)
    expect(view.prompt).to_have_value(prompt)
    expect(view.card("L3D5")).to_contain_text("my own name")


def shoot_all(page: Page, name: str) -> None:
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        shoot(page, f"{name}-{width}")
        expect(notice(page)).to_be_visible()
        wider = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(wider) <= 0, width
    page.set_viewport_size({"width": 1440, "height": 900})


def broken_off(route: Route) -> None:
    """The server's own reply, of which two tokens arrive."""
    reply = route.fetch()
    events = reply.text().split("\n\n")
    steps = [at for at, event in enumerate(events) if event.startswith("event: step")]
    route.fulfill(response=reply, body="\n\n".join(events[: steps[2]]) + "\n\n")


def test_gone_and_back_again(open_page: OpenPage, program: Server) -> None:
    page = open_page(at=program, expect_failed_requests=True)
    view = work(page)
    program.stop()
    view.prompt.fill("Nobody can hear this")
    view.prompt.press("Enter")
    expect(notice(page)).to_contain_text(GONE)
    expect(page.get_by_test_id("model-picker")).to_contain_text("unreachable")
    expect(page.get_by_test_id("layers")).to_be_visible()
    expect_work(page, "Nobody can hear this")
    shoot_all(page, "server-gone")
    view.prompt.fill("Nobody can hear this, nor that")
    program.start()
    expect(view.strip).to_contain_text("Nobody")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(notice(page)).to_have_count(0)
    expect(page.get_by_test_id("model-picker")).to_contain_text("ready")
    expect_work(page, "Nobody can hear this, nor that")


def test_gone_while_nobody_asks_anything(open_page: OpenPage, own: Restartable) -> None:
    page = open_page(at=own, expect_failed_requests=True)
    work(page)
    own.stop()
    look_now(page)
    expect(notice(page)).to_contain_text(GONE)
    own.start()
    expect(notice(page)).to_have_count(0)
    expect_work(page, "The king and his")


def test_a_view_that_was_never_opened_comes_when_the_server_is_back(
    open_page: OpenPage, own: Restartable
) -> None:
    page = open_page(at=own, expect_failed_requests=True)
    work(page)
    own.stop()
    view_link(page, "Explore").click()
    expect(notice(page)).to_contain_text(GONE)
    expect(page.get_by_test_id("interventions")).to_contain_text("my own name")
    own.start()
    expect(page.get_by_role("navigation", name="Pages of Explore")).to_be_visible()
    view_link(page, "Trace").click()
    expect_work(page, "The king and his")


def test_a_generation_that_broke_off_keeps_its_text_and_can_be_asked_again(
    open_page: OpenPage, program: Server
) -> None:
    page = open_page(at=program, expect_failed_requests=True)
    work(page)
    generate = page.get_by_role("button", name="Generate", exact=True)
    runs = [page.get_by_test_id(f"run-{side}") for side in ("unedited", "edited")]
    tokens = [run.locator("[data-step]") for run in runs]
    # after two of its tokens
    page.route("**/api/v1/generate/stream", broken_off)
    generate.click()
    for run, its in zip(runs, tokens, strict=True):
        expect(run.get_by_role("alert")).to_contain_text("broke off")
        expect(its).to_have_count(2)
    said = [its.all_inner_texts() for its in tokens]
    page.unroute("**/api/v1/generate/stream")
    # while nothing of it has come, and when nobody is there
    program.pause()
    with page.expect_request("**/api/v1/generate/stream"):
        generate.click()
    program.resume()
    program.stop()
    generate.click()
    for run in runs:
        expect(run.get_by_role("alert")).to_be_visible()
    expect_work(page, "The king and his")
    program.start()
    expect(notice(page)).to_have_count(0)
    runs[0].get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Continue from here")).to_have_count(2)
    for run, its, before in zip(runs, tokens, said, strict=True):
        expect(run.get_by_role("alert")).to_have_count(0)
        assert its.all_inner_texts()[:2] == before
    expect_work(page, "The king and his")


def test_started_anew_with_other_models(
    open_page: OpenPage, own: Restartable, checkpoint: Callable[[str], Path]
) -> None:
    """Between two looks, so that no request fails: only what the server says of itself tells."""
    page = open_page(at=own, expect_failed_requests=True)
    work(page)
    own.stop()
    own.start([str(checkpoint("untied")), "demo"])
    look_now(page)
    page.get_by_test_id("model-picker").click()
    expect(page.get_by_role("menuitemradio")).to_have_count(2)
    page.keyboard.press("Escape")
    # the page stays with the model that it was about, though another is the default now
    expect(page.get_by_test_id("model-picker")).to_contain_text("demo")
    TracePage(page).wait()
    expect_work(page, "The king and his")


def test_slow(open_page: OpenPage, program: Server) -> None:
    page = open_page(at=program, expect_failed_requests=True)
    view = work(page)
    program.pause()
    view.prompt.fill("The slow one")
    view.prompt.press("Enter")
    said = re.compile(r"slow: an answer has been due for \d+ s")
    expect(notice(page)).to_contain_text(said)
    expect(page.get_by_test_id("layers")).to_be_visible()
    shoot_all(page, "server-slow")
    program.resume()
    expect(view.strip).to_contain_text("slow")
    expect(notice(page)).to_have_count(0)
    expect_work(page, "The slow one")


def test_behind_a_proxy_that_answers_for_a_server_that_is_gone(
    open_page: OpenPage, own: Restartable
) -> None:
    with proxying(own.port, "/lm") as url:
        page = open_page("/", at=Elsewhere(url), expect_failed_requests=True)
        view = work(page)
        own.stop()
        view.prompt.fill("Nobody can hear this")
        view.prompt.press("Enter")
        expect(notice(page)).to_contain_text(GONE)
        own.start()
        expect(view.strip).to_contain_text("Nobody")
        expect(notice(page)).to_have_count(0)
        expect_work(page, "Nobody can hear this")


def test_of_another_version(open_page: OpenPage, own: Restartable, tmp_path: Path) -> None:
    page = open_page(at=own, expect_failed_requests=True)
    view = work(page)
    own.stop()
    own.start(web=other_build(tmp_path))
    look_now(page)
    expect(notice(page)).to_contain_text("The server was updated")
    shoot_all(page, "server-updated")
    # a view that this server has under another name only does not take the page with it
    view_link(page, "Explore").click()
    expect(page.get_by_role("banner")).to_be_visible()
    view_link(page, "Trace").click()
    view.prompt.fill("Typed and not yet traced")
    notice(page).get_by_role("button", name="Reload").click()
    TracePage(page).wait()
    assert page.locator("script[src*=another1]").count() > 0
    expect(notice(page)).to_have_count(0)
    expect_work(page, "Typed and not yet traced")
    view_link(page, "Explore").click()
    expect(page.get_by_role("navigation", name="Pages of Explore")).to_be_visible()


class Elsewhere:
    """A server that is reached at another address than its own."""

    def __init__(self, url: str) -> None:
        self.url = url
