"""What one request, one client and all together may take; each refusal names its limit."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from lm_debugger.api import limits
from lm_debugger.api.app import create_app
from lm_debugger.api.limits import RESERVED_THREADS
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.api.server import Server
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.errors import SettingsError
from lm_debugger.settings import Settings
from tests.api.test_server import connect, get, post
from tests.until import PATIENCE, until

OFF = {"layer": 0, "dim": 0, "kind": "off"}


@pytest.fixture(scope="module")
def narrow(settings: Settings) -> Settings:
    """Every limit but those of time, so low that a small request is over it."""
    return settings.model_copy(
        update={
            "max_body_bytes": 2000,
            "max_prompt_chars": 100,
            "max_prompt_tokens": 8,
            "max_interventions": 2,
            "max_top_k": 50,
            "max_new_tokens": 10,
            "max_positions": 3,
            "models": settings.models[:1],
        }
    )


@pytest.fixture(scope="module")
def few(narrow: Settings) -> FlaskClient:
    registry = ModelRegistry(narrow.models, loader(narrow), indexer(narrow))
    registry.start()
    registry.wait()
    return create_app(narrow, registry).test_client()


@pytest.mark.parametrize(
    ("path", "body", "status", "setting", "value"),
    [
        ("trace", {"prompt": "a" * 2000}, 413, "max_body_bytes", 2000),
        ("trace", {"prompt": "a" * 101}, 422, "max_prompt_chars", 100),
        ("trace", {"prompt": "a b c d e f g h i"}, 422, "max_prompt_tokens", 8),
        ("grid", {"prompt": "a b c d e f g h i"}, 422, "max_prompt_tokens", 8),
        ("generate", {"prompt": "a b c d e f g h i"}, 422, "max_prompt_tokens", 8),
        ("generate/stream", {"prompt": "a b c d e f g h i"}, 422, "max_prompt_tokens", 8),
        ("trace", {"interventions": [OFF] * 3}, 422, "max_interventions", 2),
        ("trace", {"top_k": 51}, 422, "max_top_k", 50),
        ("sub_updates", {"layer": 0, "top_k": 51}, 422, "max_top_k", 50),
        ("generate", {"max_new_tokens": 11}, 422, "max_new_tokens", 10),
        ("generate/stream", {"max_new_tokens": 11}, 422, "max_new_tokens", 10),
        ("trace", {"positions": [0, 1, 2, 3]}, 422, "max_positions", 3),
        ("grid", {}, 422, "max_positions", 3),
    ],
)
def test_a_request_over_a_limit_is_told_which(
    few: FlaskClient, path: str, body: dict[str, Any], status: int, setting: str, value: int
) -> None:
    response = few.post(f"/api/v1/{path}", json={"prompt": "a b c d", **body})
    error = response.json["error"]
    assert response.status_code == status, error
    assert error["details"]["limit"] == setting
    assert setting in error["message"]
    assert str(value) in error["message"]


def test_at_the_limits_all_is_well(few: FlaskClient) -> None:
    body = {
        "prompt": "a b c d e f g h",
        "interventions": [OFF] * 2,
        "top_k": 50,
        "positions": [0, 1, 2],
    }
    assert few.post("/api/v1/trace", json=body).status_code == 200
    assert few.post("/get_data", json={"prompt": "a b c d e f g h"}).status_code == 200
    assert few.post("/get_data", json={"prompt": "a b c d e f g h i"}).status_code == 422


# --- turns and threads ---------------------------------------------------------------------------


class Held:
    """`Debugger.ask` that waits to be let go, or for its request's end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at_work = threading.Semaphore(0)
        self.go = threading.Event()
        self.ended: list[str] = []
        ask = Debugger.ask

        def held(debugger: Debugger, *asked: Any, **more: Any) -> Any:
            self.at_work.release()
            try:
                while not self.go.wait(0.01):
                    may_go_on()
            except Exception as error:
                self.ended.append(type(error).__name__)
                raise
            return ask(debugger, *asked, **more)

        monkeypatch.setattr(Debugger, "ask", held)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    one = Held(monkeypatch)
    yield one
    one.go.set()


def in_background(*calls: Any) -> tuple[list[threading.Thread], list[Any]]:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda call=call: results.append(call())) for call in calls]
    for thread in threads:
        thread.start()
    return threads, results


def test_probes_are_answered_when_all_is_taken(registry: ModelRegistry, held: Held) -> None:
    allowed = 2
    with Server(Settings(port=0, threads=allowed + RESERVED_THREADS), registry) as server:
        ask = lambda: post(server, "/api/v1/trace", {"prompt": "a"})  # noqa: E731
        threads, results = in_background(*[ask] * allowed)
        for _ in range(allowed):
            assert held.at_work.acquire(timeout=PATIENCE)
        connection = connect(server)
        connection.request("GET", "/api/v1/models")
        refused = connection.getresponse()
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert b'"threads"' in refused.read()
        connection.close()
        assert [get(server, path) for path in ("/healthz", "/readyz", "/version", "/docs")] == [
            200
        ] * 4
        held.go.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert [status for status, _ in results] == [200, 200]
        assert get(server, "/api/v1/models") == 200


# --- time ----------------------------------------------------------------------------------------


class Clock:
    """The time by which requests are ended, which can be put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        now = SimpleNamespace(monotonic=lambda: time.monotonic() + self.ahead)
        monkeypatch.setattr(limits, "time", now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_work_ends_when_its_time_is_up(registry: ModelRegistry, held: Held, clock: Clock) -> None:
    with Server(Settings(port=0, max_seconds=600), registry) as server:
        ask = lambda: post(server, "/api/v1/trace", {"prompt": "a"})  # noqa: E731
        [thread], replies = in_background(ask)
        assert held.at_work.acquire(timeout=PATIENCE)
        assert held.ended == []
        clock.ahead += 600
        thread.join(PATIENCE)
        [(status, reply)] = replies
        assert (status, reply["error"]["code"]) == (503, "time_limit")
        assert reply["error"]["details"]["limit"] == "max_seconds"
        assert "600 seconds" in reply["error"]["message"]
        assert held.ended == ["TimeLimit"]
        held.go.set()
        assert post(server, "/api/v1/trace", {"prompt": "a"})[0] == 200


def test_work_ends_when_its_client_hangs_up(registry: ModelRegistry, held: Held) -> None:
    with Server(Settings(port=0), registry) as server:
        connection = connect(server)
        connection.request(
            "POST", "/api/v1/trace", b'{"prompt": "a"}', {"Content-Type": "application/json"}
        )
        assert held.at_work.acquire(timeout=PATIENCE)
        connection.close()
        until(lambda: held.ended)
        assert held.ended == ["ClientGone"]


# --- requests per minute and client --------------------------------------------------------------


def hosted(registry: ModelRegistry, **settings: Any) -> FlaskClient:
    given = Settings(hosted=True, max_requests_per_minute=3, **settings)
    return create_app(given, registry).test_client()


def ask(client: FlaskClient, address: str = "192.0.2.1", **headers: str) -> Any:
    return client.get("/api/v1/models", environ_overrides={"REMOTE_ADDR": address}, headers=headers)


def test_a_client_that_asks_too_often_is_told_when_to_ask_again(registry: ModelRegistry) -> None:
    client = hosted(registry)
    assert [ask(client).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = ask(client)
    error = refused.json["error"]
    assert error["code"] == "too_many_requests"
    assert error["details"]["limit"] == "max_requests_per_minute"
    assert "max_requests_per_minute" in error["message"]
    assert error["request_id"] == refused.headers["X-Request-Id"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


def test_others_may_still_ask(registry: ModelRegistry) -> None:
    client = hosted(registry)
    for _ in range(4):
        ask(client)
    assert ask(client, "192.0.2.2").status_code == 200


def test_all_routes_count_together(registry: ModelRegistry) -> None:
    client = hosted(registry)
    for path in ("/api/v1/models", "/api/v1/settings", "/api/v1/examples"):
        assert client.get(path).status_code == 200
    assert client.post("/api/v1/trace", json={"prompt": "a"}).status_code == 429


def test_an_address_of_ipv6_counts_with_its_network(registry: ModelRegistry) -> None:
    client = hosted(registry)
    for host in range(3):
        assert ask(client, f"2001:db8::{host}").status_code == 200
    assert ask(client, "2001:db8::ffff").status_code == 429
    assert ask(client, "2001:db8:0:1::1").status_code == 200


def test_the_clients_address_is_a_trusted_proxys_to_tell(registry: ModelRegistry) -> None:
    def statuses(**settings: Any) -> list[int]:
        client = hosted(registry, **settings)
        headers = [{"X-Forwarded-For": f"198.51.100.{i}"} for i in range(4)]
        return [ask(client, "10.0.0.1", **header).status_code for header in headers]

    assert statuses(trusted_proxies=["10.0.0.0/8"]) == [200] * 4
    assert statuses() == [200, 200, 200, 429]


def test_without_hosted_nobody_is_counted(registry: ModelRegistry) -> None:
    client = create_app(Settings(max_requests_per_minute=1), registry).test_client()
    assert [ask(client).status_code for _ in range(5)] == [200] * 5


# --- what hosted mode asks for at the start ------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "package"), [("hosted", "flask_limiter"), ("metrics", "prometheus_client")]
)
def test_a_missing_extra_is_one_sentence(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, setting: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=r"pip install \"lm-debugger\[ops\]\"") as caught:
        create_app(Settings(**{setting: True}), registry)
    assert setting in caught.value.message
    create_app(Settings(), registry)


def test_a_storage_that_does_not_answer_is_one_sentence(registry: ModelRegistry) -> None:
    address = "redis://:secret@127.0.0.1:1/0"
    with pytest.raises(SettingsError, match="rate_limit_storage names a server that") as caught:
        create_app(Settings(hosted=True, rate_limit_storage=address), registry)
    assert "secret" not in caught.value.message


def test_without_hosted_the_storage_is_not_needed(registry: ModelRegistry) -> None:
    create_app(Settings(rate_limit_storage="redis://127.0.0.1:1"), registry)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_hosted_server_has_to_know_its_name(registry: ModelRegistry, host: str) -> None:
    with pytest.raises(SettingsError, match="--allowed-host"):
        create_app(Settings(hosted=True, host=host), registry)
    create_app(Settings(hosted=True, host=host, allowed_hosts=["demo.example.org"]), registry)
