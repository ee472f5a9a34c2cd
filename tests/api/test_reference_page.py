"""LM-Debugger's own page as a client of a server that was given LM-Debugger's config file."""

from __future__ import annotations

import http.client
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.settings import Settings
from lm_debugger.settings_sources import load

ELSEWHERE = "198.51.100.7"
"""An address of the kind kept for documentation (RFC 5737): no machine has it."""
VECTOR = "/get_projections/layer/0/dim/0"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Settings]:
    def load_text(text: str) -> Settings:
        path = tmp_path / "some.jsonnet"
        path.write_text(text)
        return load(path).settings

    return load_text


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


# --- what it calls -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("http://localhost:3001", False),
        ("http://attacker.example:3000", False),
        ("null", False),
    ],
)
def test_its_origin_reads_the_reply_under_either_name(
    read: Callable[[str], Settings], registry: ModelRegistry, origin: str, may: bool
) -> None:
    settings = read("{react_ip: 'localhost', react_port: 3000}")
    client = create_app(settings, registry).test_client()
    headers = client.get(VECTOR, headers={"Origin": origin}).headers
    assert headers.get("Access-Control-Allow-Origin") == (origin if may else None)
    asked = {"Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "content-type"}  # fmt: skip
    before = client.options("/get_data", headers={"Origin": origin, **asked})
    assert before.headers.get("Access-Control-Allow-Origin") == (origin if may else None)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (f"{ELSEWHERE}:8000", 200),
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("attacker.example", 403),
        ("198.51.100.8:8000", 403),
    ],
)
def test_where_its_address_is_elsewhere_it_is_a_name_of_the_server(
    read: Callable[[str], Settings], registry: ModelRegistry, name: str, status: int
) -> None:
    settings = read(f"{{server_ip: '{ELSEWHERE}'}}")
    assert settings.host == "0.0.0.0"
    client = create_app(settings, registry).test_client()
    assert client.get(VECTOR, headers={"Host": name}).status_code == status


def test_a_hosted_server_then_knows_its_name(
    read: Callable[[str], Settings], registry: ModelRegistry
) -> None:
    """Without a name it does not start."""
    assert create_app(read(f"{{server_ip: '{ELSEWHERE}', hosted: true}}"), registry)


# --- where it links to ---------------------------------------------------------------------------


@contextmanager
def served(settings: Settings, registry: ModelRegistry, web: Path) -> Iterator[Server]:
    (web / "index.html").write_text("<title>the page</title>")
    with Server(settings, registry, create_app(settings, registry, web)) as server:
        yield server


def get(port: int, path: str, host: str) -> tuple[int, str | None]:
    """Status and Location of the reply."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        response.read()
        return response.status, response.headers["Location"]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/?L=3&D=7&visualize=true", "/?L=3&D=7&visualize=true"),  # what its page links to
        ("/?keywords=a%20b&L=3&D=7", "/?keywords=a%20b&L=3&D=7"),  # what its exploration did
        ("/", "/#/explore"),
        ("/?embed=true", "/#/explore"),
        ("/?L=3&D=7&" + "q" * 9000, "/#/explore"),
        ("/?keywords=" + "q" * 5000, "/#/explore"),
        ("/?L=3&embed=true&D=7", "/?L=3&D=7"),
    ],
)
def test_its_links_lead_to_the_page(
    registry: ModelRegistry, tmp_path: Path, path: str, place: str
) -> None:
    explore_port = free_port()
    with served(Settings(port=0, explore_port=explore_port), registry, tmp_path) as server:
        port = urlsplit(server.url).port
        assert server.explore_url == f"http://127.0.0.1:{explore_port}"
        for name in ("127.0.0.1", "localhost", "[::1]"):
            reply = get(explore_port, path, f"{name}:{explore_port}")
            assert reply == (302, f"http://{name}:{port}{place}")
        assert port is not None
        assert get(port, place.partition("#")[0], f"127.0.0.1:{port}")[0] == 200
        for foreign in ("attacker.example", "", "a b", "q" * 9000 + ".localhost"):
            assert get(explore_port, path, foreign) == (403, None)
    with socket.create_server(("127.0.0.1", explore_port)):
        pass  # free again


def test_below_the_prefix_of_a_proxy(registry: ModelRegistry, tmp_path: Path) -> None:
    explore_port = free_port()
    settings = Settings(port=0, explore_port=explore_port, base_url="/lm/")
    with served(settings, registry, tmp_path) as server:
        reply = get(explore_port, "/?L=1&D=2", "127.0.0.1")
        assert reply == (302, f"{server.url}/lm/?L=1&D=2")


def test_a_taken_port_is_said_and_the_server_serves(
    registry: ModelRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """LM-Debugger's exploration may be running beside."""
    caplog.set_level(logging.WARNING)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(port=0, explore_port=taken.getsockname()[1])
        with served(settings, registry, tmp_path) as server:
            assert server.explore_url is None
            port = urlsplit(server.url).port
            assert port is not None
            assert get(port, "/healthz", "localhost")[0] == 200
    [line] = [record.getMessage() for record in caplog.records if "Explore" in record.getMessage()]
    assert f"Port {settings.explore_port} on 127.0.0.1 is taken" in line


def test_links_to_the_port_of_the_page_need_no_second_one(
    registry: ModelRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with served(Settings(port=port, explore_port=port), registry, tmp_path) as server:
        assert server.explore_url is None
        assert get(port, "/?L=3&D=7&visualize=true", "localhost") == (200, None)
    assert "Explore" not in caplog.text
