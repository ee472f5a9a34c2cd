"""Behind a reverse proxy, at any prefix; and who is believed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request, url_for

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.settings import Settings
from tests.reverse_proxy import proxying
from tests.until import PATIENCE

CLIENT = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "debugger.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/from/header",
}


def seen(app: Flask) -> Flask:
    """The application with a route that tells how a request looks from inside."""

    @app.get("/seen")
    def tell() -> Any:
        return jsonify(
            address=request.remote_addr,
            host=request.host,
            scheme=request.scheme,
            root=request.script_root,
            forwarded=[name for name, _ in request.headers if name.startswith("X-Forwarded")],
            link=url_for("server.version"),
        )

    return app


def ask(registry: ModelRegistry, peer: str, path: str = "/seen", **settings: Any) -> Any:
    app = seen(create_app(Settings(host="0.0.0.0", **settings), registry))
    reply = app.test_client().get(path, headers=CLIENT, environ_base={"REMOTE_ADDR": peer})
    assert reply.status_code == 200, reply.text
    return reply.json


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ([], "127.0.0.1"),
        (["10.0.0.0/8"], "11.0.0.1"),
        (["10.0.0.1"], "10.0.0.2"),
        (["::1"], "1.1.1.1"),
    ],
)
def test_strangers_are_not_believed(registry: ModelRegistry, trusted: list[str], peer: str) -> None:
    assert ask(registry, peer, trusted_proxies=trusted) == {
        "address": peer,
        "host": "localhost",
        "scheme": "http",
        "root": "",
        "forwarded": [],
        "link": "/version",
    }


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        (["*"], "1.2.3.4"),
        (["10.0.0.0/8"], "10.9.9.9"),
        (["::1", "10.0.0.1"], "10.0.0.1"),
        (["::1"], "::1"),
    ],
)
def test_trusted_proxies_are_believed(
    registry: ModelRegistry, trusted: list[str], peer: str
) -> None:
    told = ask(registry, peer, trusted_proxies=trusted)
    assert told["address"] == "203.0.113.9"
    assert told["host"] == "debugger.example"
    assert told["scheme"] == "https"
    assert told["root"] == "/from/header"
    assert told["link"] == "/from/header/version"


def test_only_the_nearest_proxys_word_counts(registry: ModelRegistry) -> None:
    """What a client put into the header itself comes before what the proxy appended."""
    app = seen(create_app(Settings(trusted_proxies=["127.0.0.1"]), registry))
    told = app.test_client().get("/seen", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}).json
    assert told["address"] == "203.0.113.9"


def test_the_name_that_people_ask_for_is_checked_behind_a_proxy(registry: ModelRegistry) -> None:
    settings = Settings(trusted_proxies=["127.0.0.1"], allowed_hosts=["debugger.example"])
    client = create_app(settings, registry).test_client()
    good = client.get("/version", headers=CLIENT)
    assert good.status_code == 200
    bad = client.get("/version", headers={**CLIENT, "X-Forwarded-Host": "evil.example"})
    assert (bad.status_code, bad.json["error"]["code"]) == (403, "foreign_host")


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("::ffff:192.168.1.2", {}, 200),
        ("fd00::1", {}, 200),
        ("8.8.8.8", {}, 404),
        ("2a00::1", {}, 404),
        ("::ffff:8.8.8.8", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "10.1.2.3"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 404),
        ("127.0.0.1", {"X-Real-Ip": "8.8.8.8"}, 404),
        ("127.0.0.1", {"Forwarded": "for=8.8.8.8"}, 404),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 404),
    ],
)
@pytest.mark.parametrize("trusted", [[], ["*"]])
@pytest.mark.parametrize("path", ["/metrics", "/lm/metrics"])
def test_metrics_are_for_those_who_ask_directly(
    registry: ModelRegistry,
    peer: str,
    headers: dict[str, str],
    status: int,
    trusted: list[str],
    path: str,
) -> None:
    """A proxy shows them to nobody, whatever path it serves under and whether it is trusted."""
    settings = Settings(host="0.0.0.0", metrics=True, base_url="/lm/", trusted_proxies=trusted)
    client = create_app(settings, registry).test_client()
    reply = client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    assert reply.status_code == status
    assert ("lm_debugger_requests" in reply.text) == (status == 200)


# --- the prefix ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/lm/seen", "/seen"])
def test_below_the_prefix_and_at_the_top(registry: ModelRegistry, path: str) -> None:
    """Some proxies take the prefix away, some leave it."""
    told = ask(registry, "127.0.0.1", path, base_url="/lm/")
    assert (told["root"], told["link"]) == ("/lm", "/lm/version")


def test_the_prefix_itself_leads_to_its_folder(registry: ModelRegistry) -> None:
    client = create_app(Settings(base_url="/a/b"), registry).test_client()
    for query, rest in (("?L=1&prompt=x&D=2", "?L=1&D=2"), ("?prompt=x", ""), ("", "")):
        reply = client.get(f"/a/b{query}")
        assert (reply.status_code, reply.headers["Location"]) == (308, f"/a/b/{rest}")
    assert client.get("/a/bc/version").status_code != 200


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    (folder / "index.html").write_text("<title>the page</title>")
    return folder


@pytest.fixture(scope="module")
def server(registry: ModelRegistry, web: Path) -> Iterator[Server]:
    settings = Settings(port=0, base_url="/lm/", trusted_proxies=["127.0.0.1"])
    with Server(settings, registry, seen(create_app(settings, registry, web))) as running:
        yield running


def fetch(address: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
        return reply.geturl(), reply.read().decode()


@pytest.mark.parametrize("strip", [True, False])
def test_all_of_it_through_a_real_proxy(server: Server, strip: bool) -> None:
    port = int(server.url.rpartition(":")[2])
    with proxying(port, "/lm", strip=strip) as url:
        told = json.loads(fetch(f"{url}/seen")[1])
        assert told["root"] == "/lm"
        assert told["host"] == url.split("/")[2]
        assert fetch(f"{url}/")[1] == "<title>the page</title>"
        # an address of the page below the top leads to the top, wherever that is
        assert fetch(f"{url}/explore/a?prompt=x&L=1&D=2")[0] == f"{url}/?L=1&D=2"
        traced = json.loads(fetch(f"{url}/api/v1/trace", {"prompt": "a", "model": "demo"})[1])
        assert traced["prompt"] == "a"
        body = {"prompt": "a", "max_new_tokens": 3, "model": "demo"}
        events = fetch(f"{url}/api/v1/generate/stream", body)[1]
        assert events.count("event: step") == 3
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(f"{url}/api/v1/nothing")
