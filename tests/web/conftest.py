"""A real `lm-debugger serve` in a process of its own, and pages of a real Chromium on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.web.waits import PATIENCE

if TYPE_CHECKING:
    from tests.web.random_server import RandomServer

expect.set_options(timeout=PATIENCE)

# Without these, Chromium's own services try to call home, which a closed network refuses.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable", "chrome",
)  # fmt: skip


class Server:
    """One server process; `url` is where it answers."""

    def __init__(self, *arguments: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = arguments
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "lm_debugger", "serve", *self._arguments]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # open as long as the process runs
        self._process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        deadline = time.monotonic() + 240
        while not self._is_ready():
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < deadline, "the server did not get ready"
            time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def pause(self) -> None:
        """It hangs: connections are taken, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    @cached_property
    def model(self) -> str:
        """The id of its default model."""
        return str(self.get("/api/v1/models")["default"])

    def get(self, path: str) -> Any:
        """What the API says."""
        with urllib.request.urlopen(self.url + path, timeout=60) as reply:
            return json.load(reply)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the API says, for comparison with what the page shows."""
        request = urllib.request.Request(
            self.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def _said(self) -> str:
        self._log.seek(0)
        return f"the server ended, saying: {self._log.read()[-3000:]}"

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The bundled model, served with its defaults."""
    running = Server("demo")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def small(checkpoint: Callable[[str], Path]) -> Iterator[RandomServer]:
    """A random model of 3 layers of 128 value vectors, and the oracle of its weights."""
    from tests.web.random_server import serving

    with serving(checkpoint("tied")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield running
        running.close()


OpenPage = Callable[..., Page]
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """`new_context(**options)`: a profile of its own, which is closed with the test."""
    opened: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()


@pytest.fixture
def open_page(new_context: NewContext, server: Server) -> Iterator[OpenPage]:
    """`open_page("/", width=1440, scheme="dark")`: a page in a profile of its own.

    Afterwards nothing may have gone wrong behind the user's back: no exception, no error in the
    console, no request to another host.
    """
    problems: list[str] = []
    allowed: list[str] = []

    def open_one(
        address: str = "/",
        *,
        width: int = 1440,
        height: int = 900,
        scheme: Any = "light",
        at: Server = server,
        expect_failed_requests: bool = False,
        context: BrowserContext | None = None,
    ) -> Page:
        context = context or new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            accept_downloads=True,
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        if expect_failed_requests:
            # the second is said of a stylesheet that is 404
            allowed.extend(["Failed to load resource", "Refused to apply style"])
        page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
        page.on(
            "console",
            lambda message: (
                message.type == "error"
                and not any(text in message.text for text in allowed)
                and problems.append(f"console: {message.text}")
            ),
        )
        page.on(
            "request",
            lambda request: (
                request.url.startswith((at.url, "data:", "blob:"))
                or problems.append(f"request to another host: {request.url}")
            ),
        )
        page.goto(at.url + address)
        return page

    yield open_one
    assert problems == []


SHOTS = Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else None


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page for people to look at, if a folder was named for them."""
    if SHOTS is not None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png")
