"""What a request handler needs to know of its application."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import current_app, g

from lm_debugger.api.registry import ModelRegistry
from lm_debugger.settings import Settings

_KEY = "lm_debugger"


@dataclass(frozen=True)
class State:
    """The application's own, the same for all requests."""

    settings: Settings
    registry: ModelRegistry
    web: Path
    """Folder of the built page."""


def attach(app_extensions: dict[str, object], state: State) -> None:
    app_extensions[_KEY] = state


def state() -> State:
    found = current_app.extensions[_KEY]
    assert isinstance(found, State)
    return found


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Measure the block for the reply's `Server-Timing` header."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings: dict[str, float] = g.setdefault("timings", {})
        timings[name] = timings.get(name, 0.0) + time.perf_counter() - start
