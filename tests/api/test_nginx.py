"""config/nginx.conf, run by nginx itself before two servers: what strangers can do to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from lm_debugger.api.app import create_app
from lm_debugger.api.page_address import MAX_URI
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.api.state import state_of
from lm_debugger.settings import Settings
from tests.api.restarting import Busy, Loading, connected, port_of
from tests.nginx import Replica, nginx, replying
from tests.until import PATIENCE, until

CLIENTS = [f"127.0.0.{n}" for n in range(2, 18)]
"""Addresses to ask from; each is at home on one of the two servers."""
LONG_HEADER = replying("302 Found", Location="/" + "q" * 20_000)


def ask(
    port: int, path: str, method: str = "GET", client: str = CLIENTS[0], body: str | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=PATIENCE, source_address=(client, 0)
    )
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    (folder / "index.html").write_text("<title>the page</title>")
    return folder


@pytest.fixture
def servers(registry: ModelRegistry, web: Path) -> Iterator[list[Server]]:
    settings = Settings(port=0, trusted_proxies=["127.0.0.1"], metrics=True, base_url="/lm/")
    with ExitStack() as stack:
        yield [
            stack.enter_context(Server(settings, registry, create_app(settings, registry, web)))
            for _ in range(2)
        ]


@pytest.fixture
def front(servers: list[Server], tmp_path: Path) -> Iterator[int]:
    with nginx(tmp_path, [port_of(server) for server in servers]) as port:
        yield port


def homes(port: int) -> dict[str, str]:
    """Client -> the server that answers it."""
    return {
        client: json.loads(ask(port, "/version", client=client)[1])["instance"]
        for client in CLIENTS
    }


def test_no_address_takes_a_server_out(front: int) -> None:
    """It was a redirect that repeated 4 KB of what was asked: two of them, and nobody was served
    for five seconds."""
    before = homes(front)
    assert len(set(before.values())) == 2
    q = "q" * 7000
    for path in (f"/a/b?{q}", "/a" * 1800, f"/a/b?L=1&D={q}", f"/api//v1/models?{q}", f"/lm?{q}"):
        for client in CLIENTS[:4]:
            assert ask(front, path, client=client)[0] in (200, 302, 308, 404)
    assert homes(front) == before


def test_an_address_that_is_too_long_is_refused_in_the_servers_words(front: int) -> None:
    assert ask(front, "/?" + "q" * (MAX_URI - 2))[0] == 200
    status, body = ask(front, "/?" + "q" * MAX_URI)
    assert (status, json.loads(body)["error"]["code"]) == (414, "uri_too_long")


def test_questions_and_streams_come_through(front: int) -> None:
    body = json.dumps({"prompt": "a", "model": "demo", "max_new_tokens": 3})
    status, reply = ask(front, "/api/v1/generate/stream", "POST", body=body)
    assert (status, reply.count(b"event: step")) == (200, 3)
    body = json.dumps({"prompt": "a " * 40, "positions": "all", "top_k": 100})
    status, reply = ask(front, "/api/v1/trace", "POST", body=body)
    assert status == 200
    assert len(reply) > 128_000, "more than nginx holds in memory"
    assert json.loads(reply)["prompt"] == "a " * 40


def test_if_a_server_is_gone_the_other_answers_everybody(front: int, servers: list[Server]) -> None:
    servers[0].stop()
    body = json.dumps({"prompt": "a", "model": "demo"})
    for client in CLIENTS[:8]:
        assert ask(front, "/api/v1/trace", "POST", client, body)[0] == 200
        assert ask(front, "/version", client=client)[0] == 200


def traced(port: int) -> list[int]:
    """Every client's status for a question to the model."""
    body = json.dumps({"prompt": "a", "model": "demo"})
    return [ask(port, "/api/v1/trace", "POST", client, body)[0] for client in CLIENTS]


def test_while_a_server_loads_the_other_answers_everybody(
    registry: ModelRegistry, servers: list[Server], tmp_path: Path
) -> None:
    """Questions, too, which nginx hands on where nobody has taken them. (A server that listens
    meanwhile answers them with 503.)"""
    loading = Loading(registry.get("demo"), ["demo"])
    settings = Settings(port=0, trusted_proxies=["127.0.0.1"], listen_when_ready=True)
    with (
        Server(settings, loading.registry) as late,
        nginx(tmp_path, [port_of(late), port_of(servers[0])]) as front,
    ):
        assert traced(front) == [200] * len(CLIENTS)
        assert len(set(homes(front).values())) == 1
        loading.go_on()
        until(lambda: len(set(homes(front).values())) == 2)
        assert traced(front) == [200] * len(CLIENTS)
    loading.registry.close()


def test_while_a_server_ends_the_other_answers_everybody(front: int, servers: list[Server]) -> None:
    assert len(set(homes(front).values())) == 2
    with Busy(servers[0]), closing(connected(servers[0])) as waiting:
        # `waiting` is as from nginx, a moment before
        servers[0].end(grace=PATIENCE)
        until(lambda: state_of(servers[0].app).closing.has_begun)
        assert traced(front) == [200] * len(CLIENTS)
        assert len(set(homes(front).values())) == 1
        waiting.request("GET", "/api/v1/models", headers={"Connection": "close"})
        assert waiting.getresponse().status == 200


def below(text: str, *, hidden: bool) -> str:
    """The configuration as its own comment says for https://example.org/lm/."""
    text = text.replace("location / {", "location /lm/ {").replace("= /api/", "= /lm/api/")
    line = "location = /lm/metrics { return 404; }"
    assert line in text
    here = "location = /metrics {"
    return text.replace(here, f"{line}\n{here}") if hidden else text


@pytest.mark.parametrize("hidden", [True, False])
def test_metrics_are_public_at_no_prefix(
    servers: list[Server], tmp_path: Path, hidden: bool
) -> None:
    ports = [port_of(server) for server in servers]
    with nginx(tmp_path, ports, lambda text: below(text, hidden=hidden)) as front:
        assert ask(front, "/lm/version")[0] == 200
        for path in ("/metrics", "/lm/metrics", "/lm//metrics", "/lm/./metrics", "/lm/%6detrics"):
            assert b"lm_debugger_requests" not in ask(front, path)[1]
    assert b"lm_debugger_requests" in ask(ports[0], "/metrics", client="127.0.0.1")[1]


# --- servers that fail ---------------------------------------------------------------------------


@pytest.fixture
def replicas() -> Iterator[Callable[[bytes, bytes], list[Replica]]]:
    made: list[Replica] = []

    def make(*replies: bytes) -> list[Replica]:
        made.extend(Replica(reply) for reply in replies)
        return made

    yield make
    for replica in made:
        replica.close()


@pytest.mark.parametrize("broken", [b"", LONG_HEADER], ids=["hangs up", "long header"])
def test_a_post_is_never_sent_twice(
    replicas: Callable[..., list[Replica]], tmp_path: Path, broken: bytes
) -> None:
    """One that takes a server down would take the other one down as well."""
    both = replicas(broken, broken)
    with nginx(tmp_path, [one.port for one in both]) as front:
        for number in range(1, 6):
            assert ask(front, "/api/v1/trace", "POST", body="{}")[0] == 502
            assert sum(len(one.asked) for one in both) == number


@pytest.mark.parametrize("broken", [b"", LONG_HEADER], ids=["hangs up", "long header"])
def test_what_fails_takes_no_server_out(
    replicas: Callable[..., list[Replica]], tmp_path: Path, broken: bytes
) -> None:
    """Each client's requests still go where they went, as soon as they can be answered."""
    both = replicas(broken, broken)
    with nginx(tmp_path, [one.port for one in both]) as front:
        for client in CLIENTS:
            for method in ("GET", "POST"):
                ask(front, "/", method, client)
        for one in both:
            one.reply = replying("200 OK")
        for one in both:
            one.asked.clear()
        for client in CLIENTS:
            assert ask(front, "/", "POST", client) == (200, b"ok")
        assert all(one.asked for one in both)


def test_a_server_that_is_not_ready_is_passed_over_by_who_only_reads(
    replicas: Callable[..., list[Replica]], tmp_path: Path
) -> None:
    loading, ready = replicas(replying("503 Service Unavailable"), replying("200 OK"))
    with nginx(tmp_path, [loading.port, ready.port]) as front:
        for client in CLIENTS:
            assert ask(front, "/readyz", client=client)[0] == 200
        assert loading.asked, "some are at home there"
        assert len(ready.asked) == len(CLIENTS)
        posted = [ask(front, "/api/v1/trace", "POST", client, "{}")[0] for client in CLIENTS]
        assert posted.count(503) == loading.asked.count("POST /api/v1/trace") > 0
