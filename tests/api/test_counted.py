"""What is counted for the limits of hosted mode, and what is free."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.settings import Settings


@pytest.fixture
def client(registry: ModelRegistry, tmp_path: Path) -> FlaskClient:
    """Of a server with a page, which allows three requests in a minute."""
    for name in ("index.html", "favicon.svg"):
        (tmp_path / name).write_text("the page")
    settings = Settings(hosted=True, max_requests_per_minute=3)
    return create_app(settings, registry, tmp_path).test_client()


def test_probes_and_the_page_are_not_counted(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/version", "/docs", "/", "/favicon.svg") * 3:
        assert client.get(path).status_code != 429
    assert client.get("/api/v1/models").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/trace"), ("GET", "/a/b"), ("GET", "/gone.js"), ("HEAD", "/a"), ("POST", "/"),
     ("GET", "/api/v1/nowhere"), ("DELETE", "/api/v1/models"), ("BREW", "/healthz")],
)  # fmt: skip
def test_what_no_route_knows_is_counted(client: FlaskClient, method: str, path: str) -> None:
    """Anybody can make up any number of such addresses, and of methods."""
    before = [client.open(path, method=method).status_code for _ in range(3)]
    assert 429 not in before
    assert client.open(path, method=method).status_code == 429
    assert client.get("/api/v1/models").status_code == 429
    assert client.get("/healthz").status_code == 200
