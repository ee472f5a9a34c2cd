"""Servers that start and end, step by step."""

from __future__ import annotations

import http.client
import threading
from contextlib import closing
from typing import Self
from urllib.parse import urlsplit

from lm_debugger.api.registry import ModelRegistry, indexer
from lm_debugger.api.server import Server
from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import LoadError
from lm_debugger.settings import Settings
from tests.until import PATIENCE


class Loading:
    """A registry of models that are ready, or have failed, when they are told to be."""

    def __init__(self, debugger: Debugger, names: list[str]) -> None:
        self.leave = {name: threading.Event() for name in names}
        self.failing: set[str] = set()
        self._debugger = debugger
        self.registry = ModelRegistry(names, self._load, indexer(Settings(auto_index=False)))
        self.registry.start()

    def _load(self, name: str, report: object) -> Debugger:
        assert self.leave[name].wait(PATIENCE)
        if name in self.failing:
            raise LoadError("It is no model.")
        return self._debugger

    def go_on(self) -> None:
        for event in self.leave.values():
            event.set()
        self.registry.wait()


def port_of(server: Server) -> int:
    return urlsplit(server.url).port or 0


def connected(server: Server) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=PATIENCE)
    connection.connect()
    return connection


class Busy:
    """A request that is under way, so that the server has something to wait for."""

    def __init__(self, server: Server) -> None:
        self._begun, self._leave = threading.Event(), threading.Event()
        server.app.view_functions["server.version"] = self._view
        self._connection = connected(server)
        self._connection.request("GET", "/version")
        assert self._begun.wait(PATIENCE)

    def _view(self) -> str:
        self._begun.set()
        assert self._leave.wait(PATIENCE)
        return "the reply"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """It may end now, and does so well."""
        self._leave.set()
        with closing(self._connection):
            assert kind or self._connection.getresponse().read() == b"the reply"
