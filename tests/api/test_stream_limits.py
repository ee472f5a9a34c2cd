"""Streams end when their time is up, and whatever becomes of them give their turn back."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from lm_debugger.api.limits import RESERVED_THREADS
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.api.state import state_of
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.api.test_limits import Clock, Held, clock, held
from tests.api.test_server import Steps, connect, get, next_event, post, stream
from tests.until import PATIENCE, until

__all__ = ["clock", "held"]


def test_a_stream_ends_when_its_time_is_up(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    steps = Steps(monkeypatch, until_unwanted=True)
    with Server(Settings(port=0, max_seconds=600), registry) as server:
        connection, response = stream(server, 200)
        assert [next_event(response) for _ in range(2)] == ["start", "step"]
        clock.ahead += 600
        text = response.read().decode()
        connection.close()
        assert steps.closed.wait(PATIENCE)
        assert steps.taken <= 2, "200 were asked for"
        assert "event: step" not in text
        assert "event: end" not in text
        assert text.rstrip().splitlines()[-2] == "event: error"
        assert '"code":"time_limit"' in text.splitlines()[-2]
        assert get(server, "/healthz") == 200


def test_one_request_does_not_end_with_another(registry: ModelRegistry, held: Held) -> None:
    """Each has its own check: that of a client that hung up does not outlive it in its thread."""
    with Server(Settings(port=0, threads=1), registry) as server:
        connection = connect(server)
        connection.request(
            "POST", "/api/v1/trace", b'{"prompt": "a"}', {"Content-Type": "application/json"}
        )
        assert held.at_work.acquire(timeout=PATIENCE)
        connection.close()
        held.go.set()
        assert post(server, "/api/v1/trace", {"prompt": "a"})[0] == 200
        connection, response = stream(server, 3)
        assert [next_event(response) for _ in range(5)] == ["start", *["step"] * 3, "end"]
        connection.close()


def test_streams_give_their_turn_back(registry: ModelRegistry) -> None:
    """Read to the end, left in the middle, left at once."""
    with Server(Settings(port=0, threads=1 + RESERVED_THREADS), registry) as server:
        for events in (None, 2, 0):
            connection, response = stream(server, 5 if events is None else 200)
            assert response.status == 200
            if events is None:
                response.read()
            else:
                assert [next_event(response) for _ in range(events)] == ["start", "step"][:events]
            response.close()
            connection.close()
            until(lambda: get(server, "/api/v1/models") == 200)


def test_a_stream_that_nobody_reads_gives_its_turn_back(app: Flask) -> None:
    """As a WSGI server ends it when the client is gone before the first event."""
    body = {"prompt": PROMPT, "max_new_tokens": 3}
    environ = EnvironBuilder(path="/api/v1/generate/stream", json=body, method="POST").get_environ()
    in_flight = state_of(app).in_flight
    reply = app(environ, lambda *_: lambda _: None)
    assert in_flight.count == 1
    reply.close()  # type: ignore[attr-defined]
    assert in_flight.count == 0
