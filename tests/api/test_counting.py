"""The storage of the rate limit: a Redis that hangs, goes and comes back; a clock that is set back.

Redis itself runs where it is installed (`apt-get install redis-server`). What needs no more of it
than that it hangs does without it.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from lm_debugger.api import counting
from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.errors import SettingsError
from lm_debugger.settings import Settings
from tests.api.test_limits import ask
from tests.until import PATIENCE, until

FALLS_BACK = "falling back to in-memory storage"
TWICE = 2 * counting.SECONDS
"""To connect and to be answered."""
SLACK = 5.0
"""For a busy machine. Without a time limit nothing would ever come."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Between:
    """A TCP server before Redis, which passes bytes on until it is told to say nothing more."""

    def __init__(self, port: int | None) -> None:
        self.hangs = port is None
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = [self._listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listening.accept()[0]
            except OSError:
                return
            self._open.append(near)
            if self._port is not None:
                far = socket.create_connection(("127.0.0.1", self._port))
                self._open.append(far)
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(a, b), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(4096):
                if not self.hangs:
                    target.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        for one in self._open:
            one.close()


def hosted(registry: ModelRegistry, address: str) -> FlaskClient:
    settings = Settings(hosted=True, max_requests_per_minute=3, rate_limit_storage=address)
    return create_app(settings, registry).test_client()


def test_a_redis_that_never_answers_is_told_at_the_start(registry: ModelRegistry) -> None:
    silent = Between(None)
    began = time.monotonic()
    with pytest.raises(SettingsError, match="names a server that does not answer"):
        hosted(registry, f"redis://127.0.0.1:{silent.port}")
    assert time.monotonic() - began < TWICE + SLACK
    silent.close()


def test_a_redis_that_hangs_holds_nobody_up(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It answered at the start, and never again."""
    silent = Between(None)
    with monkeypatch.context() as patch:
        patch.setattr(counting.SteadyRedisStorage, "check", lambda _: True)
        client = hosted(registry, f"redis://127.0.0.1:{silent.port}")
    began = time.monotonic()
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert time.monotonic() - began < 2 * TWICE + SLACK
    assert FALLS_BACK in caplog.text
    silent.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis of its own."""
    program = shutil.which("redis-server")
    if program is None:
        # `make test` sets NO_REDIS, and says so loudly, where it could not install one.
        assert "NO_REDIS" in os.environ, "there is no Redis: apt-get install redis-server"
        pytest.skip("NOT TESTED, for redis-server is not installed: apt-get install redis-server")
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        until(lambda: _answers(port))
        yield port
        process.terminate()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as one:
            one.sendall(b"PING\r\n")
            return one.recv(100).startswith(b"+PONG")
    except OSError:
        return False


def test_two_servers_count_together_in_redis(registry: ModelRegistry, redis: int) -> None:
    first, second = (hosted(registry, f"redis://127.0.0.1:{redis}/1") for _ in range(2))
    statuses = [ask(client).status_code for client in (first, second, first, second)]
    assert statuses == [200, 200, 200, 429]
    assert 1 <= int(ask(first).headers["Retry-After"]) <= 60


def test_while_redis_hangs_requests_are_counted_in_memory(
    registry: ModelRegistry, redis: int, caplog: pytest.LogCaptureFixture
) -> None:
    between = Between(redis)
    client = hosted(registry, f"redis://127.0.0.1:{between.port}/2")
    assert ask(client).status_code == 200
    between.hangs = True
    with caplog.at_level(logging.INFO, "flask-limiter"):
        began = time.monotonic()
        statuses = [ask(client).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]  # counted anew, and counted
        assert time.monotonic() - began < 2 * TWICE + SLACK
        assert FALLS_BACK in caplog.text
        between.hangs = False
        until(lambda: ask(client, "192.0.2.7").status_code and "recovered" in caplog.text)
    between.close()


def test_a_redis_that_hangs_when_a_refusal_is_made(
    registry: ModelRegistry, redis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once more then: when may the client come again?"""
    between = Between(redis)
    client = hosted(registry, f"redis://127.0.0.1:{between.port}/3")
    assert [ask(client).status_code for _ in range(3)] == [200] * 3

    def hang(*_: Any) -> Any:
        between.hangs = True
        return window(*_)

    window = counting.SteadyRedisStorage.get_moving_window
    monkeypatch.setattr(counting.SteadyRedisStorage, "get_moving_window", hang)
    refused = ask(client)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    between.close()


# --- the clock -----------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_locks_nobody_out(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = hosted(registry, "memory://")
    now = time.time
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: now() - 3600)
    statuses = [ask(client) for _ in range(4)]
    assert [reply.status_code for reply in statuses] == [200, 200, 200, 429]
    assert 1 <= int(statuses[-1].headers["Retry-After"]) <= 60
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: now() - 3600 + 61)
    assert ask(client).status_code == 200


def test_neither_does_a_clock_of_redis(registry: ModelRegistry, redis: int) -> None:
    """Set back by an hour, it holds what was written down an hour from now, and keeps it."""
    from redis import Redis

    client = hosted(registry, f"redis://127.0.0.1:{redis}/4")
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    kept = Redis(port=redis, db=4)
    (key,) = kept.keys()
    times = [float(at) + 3600 for at in kept.lrange(key, 0, -1)]
    kept.delete(key)
    kept.rpush(key, *times)
    kept.expire(key, 3660)
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert 0 < kept.ttl(key) <= 60
    assert all(float(at) <= time.time() for at in kept.lrange(key, 0, -1))


def test_redis_counts_by_its_own_clock(
    registry: ModelRegistry, redis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever those of the servers are."""
    now, ahead = time.time, [0]
    monkeypatch.setattr("limits.storage.redis.time.time", lambda: now() + ahead[-1])
    client = hosted(registry, f"redis://127.0.0.1:{redis}/5")
    for expected in (200, 429):
        for seconds in (0, -3600, 3600):
            ahead.append(seconds)
            reply = ask(client)
            assert reply.status_code == expected
            assert 1 <= int(reply.headers.get("Retry-After", 1)) <= 60
