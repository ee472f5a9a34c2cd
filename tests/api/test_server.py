"""waitress for real: streaming, clients that go away, many at once, starting and stopping."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import AddressUnavailable, Server
from lm_debugger.engine.generation import GenerationStream
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.errors import DebuggerError
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.api.plain import Plain
from tests.until import PATIENCE, until


@pytest.fixture
def server(registry: ModelRegistry) -> Iterator[Server]:
    with Server(Settings(port=0), registry) as server:
        yield server


def connect(server: Server) -> http.client.HTTPConnection:
    address = urlsplit(server.url)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)


def post(server: Server, path: str, body: object) -> tuple[int, dict[str, Any]]:
    connection = connect(server)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def get(server: Server, path: str) -> int:
    connection = connect(server)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def stream(server: Server, n: int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = connect(server)
    connection.request(
        "POST",
        "/api/v1/generate/stream",
        json.dumps({"prompt": PROMPT, "model": "demo", "max_new_tokens": n}),
        {"Content-Type": "application/json"},
    )
    return connection, connection.getresponse()


def next_event(response: http.client.HTTPResponse) -> str:
    """The name of the next event, once all of it has arrived."""
    name = response.readline().decode().strip().removeprefix("event: ")
    assert response.readline().startswith(b"data: ")
    assert response.readline() == b"\n"
    return name


class Steps:
    """Watches generations: counts steps, and makes each wait for leave.

    Args:
        until_unwanted: the second one waits until the request's check says that nobody wants it,
            or that its time is up, whenever that is; and is then taken as any other.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, hold: bool = False, until_unwanted: bool = False
    ) -> None:
        self.taken = 0
        self.leave = threading.Semaphore(0)
        self.closed = threading.Event()
        step, close = GenerationStream.__next__, GenerationStream.close

        def watched_step(stream: GenerationStream) -> Any:
            if hold:
                assert self.leave.acquire(timeout=PATIENCE)
            if until_unwanted and self.taken == 1:
                with contextlib.suppress(AssertionError):  # if never, all steps are taken
                    until(is_unwanted)
            self.taken += 1
            return step(stream)

        def watched_close(stream: GenerationStream) -> None:
            close(stream)
            self.closed.set()

        monkeypatch.setattr(GenerationStream, "__next__", watched_step)
        monkeypatch.setattr(GenerationStream, "close", watched_close)


def is_unwanted() -> bool:
    """Would the work that this thread does be ended now?"""
    try:
        may_go_on()
    except DebuggerError:
        return True
    return False


def test_events_arrive_as_they_happen(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, hold=True)
    connection, response = stream(server, 3)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert next_event(response) == "start"
    for number in (1, 2, 3):
        assert steps.taken == number - 1, "a step was computed before the one before was sent"
        steps.leave.release()
        assert next_event(response) == "step"
    steps.leave.release()
    assert next_event(response) == "end"
    assert response.read() == b""
    assert steps.closed.wait(PATIENCE)
    connection.close()


def test_generation_stops_when_the_client_goes_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, until_unwanted=True)
    connection, response = stream(server, 200)
    assert [next_event(response) for _ in range(2)] == ["start", "step"]
    response.close()
    connection.close()
    assert steps.closed.wait(PATIENCE)
    assert steps.taken <= 2, "200 were asked for"
    monkeypatch.undo()
    assert post(server, "/api/v1/trace", {"prompt": PROMPT})[0] == 200


def test_requests_are_answered_while_streams_run(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, hold=True)
    streams = [stream(server, 5) for _ in range(4)]
    assert post(server, "/api/v1/trace", {"prompt": PROMPT, "model": "demo"})[0] == 200
    assert get(server, "/healthz") == 200
    for _ in range(100):
        steps.leave.release()
    for connection, response in streams:
        text = response.read().decode()
        assert text.count("event: step") == 5
        assert "event: end" in text
        connection.close()


def test_eight_threads_never_see_each_others_edits(server: Server, plain: Plain) -> None:
    """LM-Debugger answered 23 of 40 clean requests with somebody else's edits."""
    dims = plain.scores(PROMPT)[1].topk(4).indices.tolist()
    expected: dict[int | None, list[float]] = {
        None: [prob for _, prob in plain.top(PROMPT, 5)],
        **{dim: [p for _, p in plain.suppressed(1, dim).top(PROMPT, 5)] for dim in dims},
    }
    assert len({tuple(probs) for probs in expected.values()}) == 5

    def ask(number: int) -> tuple[list[float], list[float]]:
        dim = [None, dims[number % 4]][number % 2]
        edits = [] if dim is None else [{"layer": 1, "dim": dim, "kind": "off"}]
        body = {"prompt": PROMPT, "interventions": edits, "top_k": 5}
        status, reply = post(server, "/api/v1/trace", body)
        assert status == 200, reply
        run = reply["unedited"] if dim is None else reply["edited"]
        top = run["positions"][0]["layers"][-1]["after"]["top"]
        return [item["prob"] for item in top], expected[dim]

    with ThreadPoolExecutor(8) as pool:
        for got, wanted in pool.map(ask, range(160)):
            assert got == pytest.approx(wanted, rel=1e-5)


def test_bad_and_good_requests_on_one_connection(server: Server) -> None:
    connection = connect(server)
    for body, status in ((b"{", 400), (b'{"prompt": ""}', 422), (b'{"prompt": "a"}', 200)) * 3:
        connection.request("POST", "/api/v1/trace", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == status
        response.read()
    connection.close()


def test_body_over_the_limit_gets_the_one_error_body(server: Server) -> None:
    status, reply = post(server, "/api/v1/trace", {"prompt": "a" * 1_000_001})
    assert (status, reply["error"]["code"]) == (413, "body_too_large")


def test_taken_port_is_one_sentence(server: Server, registry: ModelRegistry) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    with pytest.raises(AddressUnavailable, match=rf"Port {port} on 127\.0\.0\.1 is taken"):
        Server(Settings(port=port), registry)


def test_unknown_host_is_one_sentence(registry: ModelRegistry) -> None:
    with pytest.raises(AddressUnavailable, match=r"no-such-host\.invalid"):
        Server(Settings(host="no-such-host.invalid", port=0), registry)


def test_stop_frees_the_port_and_cuts_streams(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, until_unwanted=True)
    server = Server(Settings(port=0), registry)
    server.start()
    port = urlsplit(server.url).port
    connection, response = stream(server, 200)
    assert [next_event(response) for _ in range(2)] == ["start", "step"]
    server.stop()
    assert steps.closed.wait(PATIENCE)
    assert steps.taken <= 2, "200 were asked for"
    connection.close()
    with socket.create_server(("127.0.0.1", port or 0)):
        pass


def test_stop_before_start_frees_the_port(registry: ModelRegistry) -> None:
    server = Server(Settings(port=0), registry)
    server.stop()
    with socket.create_server(("127.0.0.1", urlsplit(server.url).port or 0)):
        pass


def test_stopping_amid_requests_logs_no_failure(
    registry: ModelRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Workers that end while the server closes must still find what they wake its loop by."""
    for _ in range(15):
        server = Server(Settings(port=0), registry)
        server.start()
        answered, over = threading.Event(), threading.Event()

        def ask(server: Server, answered: threading.Event, over: threading.Event) -> None:
            while not over.is_set():
                with contextlib.suppress(OSError, http.client.HTTPException):
                    get(server, "/api/v1/models")
                    answered.set()

        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(ask, server, answered, over)
            assert answered.wait(PATIENCE)
            server.stop()
            over.set()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
