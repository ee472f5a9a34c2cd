"""What a request handler needs to know of its application."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, current_app

from lm_debugger.api.limits import Closing, InFlight
from lm_debugger.api.metrics import Metrics
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.request_log import record
from lm_debugger.engine.noted import noting
from lm_debugger.settings import Settings
from lm_debugger.waiting import waits

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.index import ModelIndex

Item = TypeVar("Item")

_KEY = "lm_debugger"


@dataclass(frozen=True)
class State:
    """The application's own, the same for all requests."""

    settings: Settings
    registry: ModelRegistry
    web: Path
    """Folder of the built page."""
    in_flight: InFlight
    metrics: Metrics | None
    """None unless the settings ask for them."""
    instance: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    """Tells this start of the server from others."""
    closing: Closing = field(default_factory=Closing)

    def debugger(self, id: str | None = None) -> Debugger:
        """The model that a request asks for; raises as `ModelRegistry.get` does."""
        return self.indexed(id)[0]

    def indexed(self, id: str | None = None) -> tuple[Debugger, ModelIndex]:
        """The model that a request asks for, and its index; raises as `loaded` does."""
        name = self.registry.default if id is None else id
        if any(entry.id == name for entry in self.registry.entries):
            record().model = name
        return self.registry.loaded(id)


def attach(app_extensions: dict[str, object], state: State) -> None:
    app_extensions[_KEY] = state


def state() -> State:
    """That of the application at hand."""
    return state_of(current_app)


def state_of(app: Flask) -> State:
    found = app.extensions[_KEY]
    assert isinstance(found, State)
    return found


@contextmanager
def computing() -> Iterator[None]:
    """Measure the block for `Server-Timing` and the log: waiting for the model, working, and the
    tokens of its prompt."""
    mine = record()

    def note(n_tokens: int) -> None:
        mine.prompt_tokens = n_tokens

    start = time.perf_counter()
    with waits() as spent, noting(note):
        try:
            yield
        finally:
            waited = sum(spent)
            mine.queue += waited
            mine.compute += time.perf_counter() - start - waited


def measured(items: Iterator[Item]) -> Iterator[Item]:
    """The items of work that goes on after the view has returned, each measured so."""
    while True:
        with computing():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item
