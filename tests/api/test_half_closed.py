"""Streams to clients that have shut their writing side, or are gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from flask import Response, request

from lm_debugger.api.limits import CHECK
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.errors import DebuggerError
from lm_debugger.settings import Settings
from tests.api.test_channel import all_of, connected
from tests.until import until


class Events:
    """Stands for `/version`: two events, the second one on leave or once it is unwanted."""

    def __init__(self, server: Server) -> None:
        self.leave = threading.Event()
        self.outcome: list[str] = []
        server.app.view_functions["server.version"] = self._view

    def _view(self) -> Response:
        check = request.environ[CHECK]

        def is_unwanted() -> bool:
            try:
                check()
            except DebuggerError:
                return True
            return False

        def events() -> Iterator[bytes]:
            yield b"event: first\n\n"
            until(lambda: self.leave.is_set() or is_unwanted())
            self.outcome.append("unwanted" if is_unwanted() else "wanted")
            yield b"event: second\n\n"

        return Response(events(), mimetype="text/event-stream")


@pytest.fixture
def server(registry: ModelRegistry) -> Iterator[Server]:
    with Server(Settings(port=0), registry) as server:
        yield server


def read_until(connection: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        received = connection.recv(1)
        assert received, found
        found += received
    return found


def streaming(server: Server, version: str) -> socket.socket:
    """A client that has read the first event, and then stops writing."""
    mine = connected(server.url)
    mine.sendall(f"GET /version HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n".encode())
    read_until(mine, b"event: first\n\n" + (b"\r\n" if version == "1.1" else b""))
    mine.shutdown(socket.SHUT_WR)
    return mine


@pytest.mark.parametrize(
    ("version", "comment", "rest"),
    [
        ("1.0", b":\n\n", b"event: second\n\n"),
        ("1.1", b"3\r\n:\n\n\r\n", b"F\r\nevent: second\n\n\r\n0\r\n\r\n"),
    ],
)
def test_who_only_stops_writing_gets_the_whole_stream(
    server: Server, version: str, comment: bytes, rest: bytes
) -> None:
    events = Events(server)
    with streaming(server, version) as mine:
        assert read_until(mine, comment) == comment
        events.leave.set()
        assert all_of(mine) == rest
    assert events.outcome == ["wanted"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_stream_of_who_has_hung_up_ends(server: Server, version: str) -> None:
    events = Events(server)
    streaming(server, version).close()
    until(lambda: events.outcome)
    assert events.outcome == ["unwanted"]
