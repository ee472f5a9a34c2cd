"""Waiting for what happens on the page, never for time to pass: the machine may be a slow one.

That something does *not* happen is shown by what must come after it: the page has painted, another
action has had its effect, no request was sent in between.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from re import Pattern

from playwright.sync_api import BrowserContext, Page, Request, Route

PATIENCE = 60_000
"""Milliseconds after which a state that does not come is a failure, for every test of the page."""

_PAINTED = """() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => done())))"""

_SYNC = Path(__file__).parents[2] / "frontend" / "src" / "state" / "sync.ts"
_WRITTEN = """async (delay) => {
    const due = () => new Promise((done) => setTimeout(done, delay));
    await due();
    await due();
    return location.hash;
}"""

_WATCH = """([selector, name]) => {
    const seen = (window[name] = []);
    const keep = () => {
        const text = document.querySelector(selector)?.innerText ?? "";
        if (text !== seen.at(-1)) seen.push(text);
    };
    keep();
    new MutationObserver(keep).observe(document.body,
        {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def painted(page: Page) -> None:
    """Until the page has been painted as it is now: everything that was due before is done."""
    page.evaluate(_PAINTED)


def until(page: Page, happened: Callable[[], object]) -> None:
    """Let the page go on, frame by frame, until it has happened; asked once a frame."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        painted(page)


def address(page: Page) -> str:
    """The part of the page's address from `#` on, with all that was done so far in it.

    The page writes it a moment after the last change. Its timers run in the order in which they
    are due, however late: when two that are longer have run one after the other, that write is
    done.
    """
    delay = re.search(r"WRITE_DELAY = (\d+);", _SYNC.read_text("utf-8"))
    assert delay
    written: str = page.evaluate(_WRITTEN, int(delay[1]) + 1)
    return written


def back(page: Page) -> None:
    """Back, from the place where the page is once its address says so: a step that is not written
    yet would not be left, but the one before it."""
    address(page)
    page.go_back()


def forward(page: Page) -> None:
    address(page)
    page.go_forward()


def reload(page: Page) -> None:
    """The page anew, from an address that has all that was done."""
    address(page)
    page.reload()


class Seen:
    """Every text that a part of the page shows from now on, one after the other."""

    def __init__(self, page: Page, selector: str) -> None:
        self._page = page
        self._name = f"seen{id(self)}"
        page.evaluate(_WATCH, [selector, self._name])

    @property
    def texts(self) -> list[str]:
        found: list[str] = self._page.evaluate("name => window[name]", self._name)
        return found


class Asked:
    """The requests that a page sends from now on to addresses that contain `part`."""

    def __init__(self, page: Page, part: str) -> None:
        self.requests: list[Request] = []
        self._part = part
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if self._part in request.url:
            self.requests.append(request)

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def bodies(self) -> list[str]:
        return [request.post_data or "" for request in self.requests]


class Held:
    """Requests of a page that get no answer before the test lets them; `when`: only those."""

    def __init__(
        self,
        where: Page | BrowserContext,
        pattern: str | Pattern[str],
        when: Callable[[Request], bool] = lambda _: True,
    ) -> None:
        self._where = where
        self._pattern = pattern
        self._when = when
        self._routes: list[Route] = []
        where.route(pattern, self._hold)

    def _hold(self, route: Route) -> None:
        if self._when(route.request):
            self._routes.append(route)
        else:
            route.continue_()

    def wait(self, page: Page, count: int = 1) -> Route:
        """Until so many are held; returns the last of them."""
        until(page, lambda: len(self._routes) >= count)
        return self._routes[count - 1]

    def end(self) -> None:
        """Hold no further ones."""
        self._where.unroute(self._pattern, self._hold)
