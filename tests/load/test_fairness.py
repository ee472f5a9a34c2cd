"""One client that floods the server, or leaves in the middle, takes nobody else's turn."""

from __future__ import annotations

import http.client
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.api.server import Server
from lm_debugger.api.state import state_of
from lm_debugger.engine.debugger import Debugger
from lm_debugger.settings import Settings
from tests.compare import assert_same
from tests.engine.test_isolation import count_hooks
from tests.load.mixed import CLEAN, alone, clean
from tests.until import PATIENCE, until

JSON = {"Content-Type": "application/json"}
LONG = {"prompt": "It was", "max_new_tokens": 60}
WIDE = {"prompt": "one two three four five six seven eight"}
ACCESS = "lm_debugger.access"


class Place:
    """A server of one model in this process, whose queue can be looked at."""

    def __init__(self, server: Server, debugger: Debugger) -> None:
        self.server, self.debugger = server, debugger
        self.order: list[str] = []
        self._threads: list[threading.Thread] = []

    @property
    def in_flight(self) -> int:
        return state_of(self.server.app).in_flight.count

    def connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.server.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)

    def ask(self, name: str, path: str, body: object, **headers: str) -> None:
        """In the background; `name` is noted when the answer has come. Returns once it waits."""

        def work() -> None:
            connection = self.connect()
            connection.request("POST", path, json.dumps(body), {**JSON, **headers})
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            self.order.append(name)
            connection.close()

        waiting = self.waiting
        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()
        until(lambda: self.waiting > waiting)

    @property
    def waiting(self) -> int:
        return len(self.debugger.gate._queue)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@contextmanager
def placed(folder: Path, cache_dir: Path, **more: Any) -> Iterator[Place]:
    settings = Settings(models=[str(folder)], port=0, cache_dir=cache_dir, **more)
    registry = ModelRegistry(settings.models, loader(settings), indexer(settings))
    registry.start()
    registry.wait()
    with Server(settings, registry, create_app(settings, registry)) as server:
        yield Place(server, registry.get())


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Iterator[Place]:
    with placed(folder, tmp_path) as place:
        yield place


def test_a_flood_costs_others_one_turn_each(place: Place) -> None:
    """Generations take a turn per token, so a trace that comes last of all waits for one token of
    each, and for what else came before; then it is answered, and all the others go on."""
    with place.debugger.gate:
        for number in range(20):
            place.ask(f"generation {number}", "/api/v1/generate", LONG)
        for number in range(10):
            place.ask(f"grid {number}", "/api/v1/grid", WIDE)
        place.ask("trace", "/api/v1/trace", {"prompt": "She plays the"})
    place.join()
    assert len(place.order) == 31
    before = place.order[: place.order.index("trace")]
    assert {name.split()[0] for name in before} <= {"grid"}
    assert place.order.index("grid 0") < place.order.index("grid 9")


def test_a_client_that_asks_again_and_again_goes_to_the_end(place: Place) -> None:
    """While five never stop asking for grids, a trace waits for five at most."""
    over = threading.Event()
    turns: list[str] = []

    def flood() -> None:
        connection = place.connect()
        while not over.is_set():
            connection.request("POST", "/api/v1/grid", json.dumps(WIDE), JSON)
            connection.getresponse().read()
            turns.append("grid")
        connection.close()

    threads = [threading.Thread(target=flood) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: len(turns) > 10)
    waited = []
    connection = place.connect()
    for number in range(30):
        before = len(turns)
        body = json.dumps({"prompt": f"She plays the {number}"})
        connection.request("POST", "/api/v1/trace", body, JSON)
        assert connection.getresponse().read()
        waited.append(len(turns) - before)
    connection.close()
    over.set()
    for thread in threads:
        thread.join(PATIENCE)
    # Those five, and what was answered before the request came or after its answer was on its way.
    assert sorted(waited)[len(waited) // 2] <= 2 * len(threads)
    assert len(turns) > 30


def test_one_client_cannot_take_all_places(folder: Path, tmp_path: Path) -> None:
    """Hosted: what is over its share is refused, so that others still get in."""
    one, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
    proxied = {"hosted": True, "trusted_proxies": ["127.0.0.1"], "max_requests_at_once": 3}
    trace = {"prompt": "She plays the"}
    with placed(folder, tmp_path, **proxied) as place:
        for _ in range(2):  # the second time all places are free again
            with place.debugger.gate:
                for number in range(3):
                    place.ask(f"one {number}", "/api/v1/generate", LONG, **one)
                with closing(place.connect()) as connection:
                    body = json.dumps(trace)
                    connection.request("POST", "/api/v1/trace", body, {**JSON, **one})
                    refused = connection.getresponse()
                    error = json.loads(refused.read())["error"]
                assert (refused.status, error["code"]) == (429, "too_many_requests")
                assert error["details"]["limit"] == "max_requests_at_once"
                assert "max_requests_at_once" in error["message"]
                assert int(refused.headers["Retry-After"]) >= 1
                place.ask("other", "/api/v1/trace", trace, **other)
            place.join()
        assert place.order[0] == place.order[4] == "other"


LEAVING: dict[str, tuple[str, dict[str, Any]]] = {
    "stream": ("/api/v1/generate/stream", LONG),
    "generation": ("/api/v1/generate", LONG),
    "trace": ("/api/v1/trace", {"prompt": "Gone before it came"}),
    "grid": ("/api/v1/grid", WIDE),
}


@pytest.mark.parametrize(("path", "body"), LEAVING.values(), ids=LEAVING)
def test_clients_that_leave_while_they_wait_are_forgotten(
    place: Place, path: str, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Their work is never begun: they are out of the queue while the model is still taken."""
    caplog.set_level(logging.INFO, ACCESS)
    with place.debugger.gate:
        gone = [place.connect() for _ in range(8)]
        for connection in gone:
            connection.request("POST", path, json.dumps(body), JSON)
        until(lambda: place.waiting == len(gone))
        for connection in gone:
            connection.close()
        until(lambda: place.in_flight == 0 and len(outcomes(caplog)) == len(gone))
        assert place.waiting == 0
    assert outcomes(caplog) == ["client_gone"] * len(gone)
    assert_well(place)


def test_clients_that_leave_while_they_are_answered_free_the_model(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Streams after a step or two, generations as soon as they are at work.

    All come before the first is begun: a request whose client has left before a worker took it up
    is never one, and nothing is logged of it.
    """
    caplog.set_level(logging.INFO, ACCESS)
    long = {"prompt": "It was", "max_new_tokens": 62}
    gone = []
    with place.debugger.gate:
        for path in ("/api/v1/generate/stream", "/api/v1/generate") * 4:
            connection = place.connect()
            connection.request("POST", path, json.dumps(long), JSON)
            gone.append(connection)
        until(lambda: place.waiting == len(gone))
    streams = [connection.getresponse() for connection in gone[::2]]
    for response in streams:
        assert response.readline() == b"event: start\n"
    for connection in gone:
        connection.close()
    for response in streams:
        response.close()
    until(lambda: place.in_flight == 0 and len(outcomes(caplog)) == len(gone))
    assert outcomes(caplog) == ["client_gone"] * len(gone)
    assert_well(place)


def outcomes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.request["outcome"] for r in caplog.records if r.name == ACCESS]  # type: ignore[attr-defined]


def assert_well(place: Place) -> None:
    """Free at once, without a hook, and right."""
    assert count_hooks(place.debugger) == 0
    assert not place.debugger.gate._taken
    model = place.debugger.info.id
    connection = place.connect()
    with closing(connection):
        undisturbed = alone([model], Path(model))
        expected = clean(undisturbed, model)
        connection.request("POST", "/api/v1/trace", json.dumps({**CLEAN, "model": model}), JSON)
        response = connection.getresponse()
        assert_same(json.loads(response.read()), expected)
        assert "queue;dur=0.0" in response.headers["Server-Timing"]
