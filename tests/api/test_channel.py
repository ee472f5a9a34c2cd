"""Connections: what cannot be read, clients that stop writing, or do not read."""

from __future__ import annotations

import json
import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from waitress import wasyncore

from lm_debugger.api import unread
from lm_debugger.api.listener import Listener
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.errors import DebuggerError
from lm_debugger.settings import Settings
from tests.until import PATIENCE, until

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

MB = 1_000_000


@pytest.fixture
def server(registry: ModelRegistry) -> Iterator[Server]:
    with Server(Settings(port=0), registry) as server:
        yield server


def connected(url: str, *, room: int | None = None) -> socket.socket:
    """A connection; `room` is what the system keeps for a client that does not read, in bytes."""
    host, port = url.removeprefix("http://").split(":")
    mine = socket.socket()
    if room is not None:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    mine.settimeout(PATIENCE)
    mine.connect((host, int(port)))
    return mine


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other end closes."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "bad_request"),
        (b"get / HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413, "body_too_large"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "not_implemented"),
        (b"GET / HTTP/1.1\r\nX: " + b"q" * 300_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /?" + b"q" * 300_000 + b" HTTP/1.1\r\n\r\n", 431, "headers_too_large"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_read_has_the_one_error_body(
    server: Server, caplog: pytest.LogCaptureFixture, request_: bytes, status: int, code: str
) -> None:
    with caplog.at_level(logging.INFO, "lm_debugger.access"), connected(server.url) as mine:
        mine.sendall(request_)
        head, _, body = all_of(mine).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    error = json.loads(body)["error"]
    assert lines[0].split()[1] == str(status)
    assert set(error) == {"code", "message", "details", "request_id"}
    assert (error["code"], error["request_id"]) == (code, headers["X-Request-Id"])
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    [line] = [record.getMessage() for record in caplog.records if "access" in record.name]
    assert f"status={status} outcome={code}" in line
    assert not [record for record in caplog.records if record.exc_info]


# --- clients that stop writing -------------------------------------------------------------------


def half_closed(url: str, path: str, version: str = "1.1") -> socket.socket:
    mine = connected(url)
    mine.sendall(f"GET {path} HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n".encode())
    mine.shutdown(socket.SHUT_WR)
    return mine


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_who_only_stops_writing_gets_the_reply(server: Server, version: str) -> None:
    with half_closed(server.url, "/api/v1/models", version) as mine:
        reply = all_of(mine)
    assert reply.startswith(f"HTTP/{version} 200".encode())
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["default"]


def test_two_requests_at_once_and_then_no_more(server: Server) -> None:
    with connected(server.url) as mine:
        mine.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2)
        mine.shutdown(socket.SHUT_WR)
        assert all_of(mine).count(b'{"status":"alive"}') == 2


class Work:
    """Stands for what `/version` has to do: waits for leave, and whether its client is there."""

    def __init__(self, server: Server) -> None:
        self.leave = threading.Event()
        self.begun = threading.Event()
        self.outcome: list[str] = []
        server.app.view_functions["server.version"] = self

    def __call__(self) -> Any:
        self.begun.set()
        until(lambda: self.leave.is_set() or self._is_unwanted())
        self.outcome.append("unwanted" if self._is_unwanted() else "wanted")
        return "the reply"

    @staticmethod
    def _is_unwanted() -> bool:
        try:
            may_go_on()
        except DebuggerError:
            return True
        return False


def test_who_waits_for_long_work_is_still_there(server: Server) -> None:
    work = Work(server)
    with half_closed(server.url, "/version") as mine:
        assert mine.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        work.leave.set()
        assert all_of(mine).endswith(b"\r\n\r\nthe reply")
    assert work.outcome == ["wanted"]


def test_who_has_hung_up_is_not(server: Server) -> None:
    work = Work(server)
    half_closed(server.url, "/version").close()
    until(lambda: work.outcome)
    assert work.outcome == ["unwanted"]


def test_the_work_of_an_old_client_ends_and_it_is_told(server: Server) -> None:
    """HTTP/1.0 has nothing that could be sent to see whether it is there."""
    work = Work(server)
    with half_closed(server.url, "/version", "1.0") as mine:
        assert all_of(mine).endswith(b"the reply")
    assert work.outcome == ["unwanted"]


# --- clients that do not read --------------------------------------------------------------------


class Sending:
    """A listener whose application replies with as many bytes as the query says."""

    is_proxy = False
    """Do all that ask come from a proxy?"""

    def __init__(self, total: int = 256 * MB) -> None:
        self.sockets: dict[int, object] = {}
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.listener = Listener(
            self._reply, self.sockets, listening, self._is_many, max_unread=total, threads=4
        )
        self._is_over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _is_many(self, address: str) -> bool:
        return self.is_proxy

    @staticmethod
    def _reply(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        body = b"x" * int(environ["QUERY_STRING"])
        start("200 OK", [("X-Request-Id", environ["PATH_INFO"][1:])])
        return [body]

    def _run(self) -> None:
        while not self._is_over:
            wasyncore.loop(timeout=0.05, map=self.sockets, use_poll=True, count=1)

    def close(self) -> None:
        self._is_over = True
        self._thread.join()
        for channel in list(self.listener.active_channels.values()):
            channel.handle_close()
        self.listener.task_dispatcher.shutdown(timeout=5)
        wasyncore.close_all(self.sockets, ignore_all=True)

    def ask(self, name: str, size: int) -> socket.socket:
        mine = connected(self.url, room=4096)
        mine.sendall(f"GET /{name}?{size} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        return mine

    def is_cutting(self) -> bool:
        return any(one.will_close for one in list(self.listener.active_channels.values()))

    def waiting(self) -> dict[str | None, int]:
        """Request -> bytes of its reply that wait."""
        channels = list(self.listener.active_channels.values())
        return {one.request_id: one.total_outbufs_len for one in channels if one.total_outbufs_len}


@pytest.fixture
def sending() -> Iterator[Callable[..., Sending]]:
    with ExitStack() as stack:

        def make(**limits: int) -> Sending:
            made = Sending(**limits)
            stack.callback(made.close)
            return made

        yield make


def size_of(reply: bytes) -> int:
    return len(reply.partition(b"\r\n\r\n")[2])


def test_replies_need_no_temporary_folder(
    sending: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With that folder full, replies over 1 MB never came."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with sending().ask("a", 20 * MB) as mine:
        assert size_of(all_of(mine)) == 20 * MB


def test_what_waits_to_be_read_is_bounded(
    sending: Callable[..., Sending], caplog: pytest.LogCaptureFixture
) -> None:
    """Who reads is served whatever others do, and the log tells who was cut off."""
    made = sending(total=30 * MB)
    made.is_proxy = True
    with ExitStack() as stack, caplog.at_level(logging.WARNING, "lm_debugger.access"):
        most = 0
        for number in range(12):
            stack.enter_context(made.ask(f"idle-{number}", 8 * MB))
            until(lambda number=number: f"idle-{number}" in made.waiting())
            until(lambda: sum(made.waiting().values()) <= 30 * MB)
            most = max(most, len(made.waiting()))
        assert most >= 3, "how much the system itself takes differs"
        with made.ask("reader", 8 * MB) as mine:
            assert size_of(all_of(mine)) == 8 * MB
        until(lambda: sum(made.waiting().values()) <= 30 * MB and not made.is_cutting())
        left = set(made.waiting())
        cut = {line.split()[0]: line for record in caplog.records for line in [record.getMessage()]
               if record.name == "lm_debugger.access"}  # fmt: skip
        idle = {f"idle-{number}" for number in range(12)}
        assert {f"id={name}" for name in idle - left} == set(cut)
        for line in cut.values():
            assert "outcome=reply_not_read" in line
            assert 0 < int(line.partition("unread_bytes=")[2].split()[0]) <= 8 * MB


def test_one_client_has_less(sending: Callable[..., Sending]) -> None:
    made = sending(total=80 * MB)
    with ExitStack() as stack:
        for number in range(6):
            stack.enter_context(made.ask(f"idle-{number}", 8 * MB))
            until(lambda number=number: f"idle-{number}" in made.waiting())
        until(lambda: sum(made.waiting().values()) <= 20 * MB)
        assert len(made.waiting()) >= 2


def test_how_much_may_wait_is_a_setting(registry: ModelRegistry) -> None:
    with Server(Settings(port=0, max_unread_mb=40), registry) as server, ExitStack() as stack:
        server.app.view_functions["server.version"] = lambda: b"x" * 8 * MB
        for _ in range(6):
            mine = stack.enter_context(connected(server.url, room=4096))
            mine.sendall(b"GET /version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            mine.recv(1)
        # With the default none would be cut off.
        until(lambda: len(server._wsgi.active_channels) < 6)


def test_one_reply_may_be_larger_than_all_may_be(sending: Callable[..., Sending]) -> None:
    with sending(total=MB).ask("a", 8 * MB) as mine:
        assert size_of(all_of(mine)) == 8 * MB


def test_who_reads_nothing_is_cut_off(
    sending: Callable[..., Sending], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "STALL_SECONDS", 0.5)
    made = sending()
    with made.ask("idle", 8 * MB):
        until(lambda: "idle" in made.waiting())
        until(lambda: not made.listener.active_channels)
        with made.ask("reader", 8 * MB) as mine:
            assert size_of(all_of(mine)) == 8 * MB
