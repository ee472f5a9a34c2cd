"""What holds for every reply: ids, timing, security headers, CORS, hosts, and no tracebacks."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.engine.debugger import Debugger
from lm_debugger.settings import Settings

EVERYWHERE = ["/healthz", "/docs", "/", "/api/v1/nothing", "/api/v1/trace", "/api/v1/values/99/0"]


def client_with(registry: ModelRegistry, **settings: Any) -> FlaskClient:
    return create_app(Settings(**settings), registry).test_client()


def style_of(response: TestResponse) -> str:
    """The SHA-256 of the style in a page, as a policy names it; nothing where there is none."""
    found = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    return b64encode(sha256(found[0].encode()).digest()).decode() if found else ""


@pytest.mark.parametrize("path", EVERYWHERE)
def test_headers(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    headers = response.headers
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-Id"])
    assert re.search(r"\btotal;dur=\d+\.\d\b", headers["Server-Timing"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "geolocation=()"} <= set(headers["Permissions-Policy"].split(", "))
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        # pages of the server itself have one style, which is named by what is in it
        "style-src": f"'sha256-{style_of(response)}'" if style_of(response) else "'self'",
        "img-src": "'self' blob:",
        "font-src": "'self'",
        "worker-src": "'self'",
        "connect-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_waiting_and_working_are_told_apart(client: FlaskClient) -> None:
    timing = client.get("/api/v1/values/0/0").headers["Server-Timing"]
    assert re.fullmatch(r"queue;dur=\d+\.\d, compute;dur=\d+\.\d, total;dur=\d+\.\d", timing)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-123_x.y", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ("<b>", False)],
)
def test_request_id_is_kept_if_harmless(client: FlaskClient, sent: str, kept: bool) -> None:
    response = client.get("/api/v1/nothing", headers={"X-Request-Id": sent})
    got = response.headers["X-Request-Id"]
    assert (got == sent) is kept
    assert response.json["error"]["request_id"] == got


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("POST", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("POST", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/trace", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/models", 405, "method_not_allowed"),
        ("PUT", "/healthz", 405, "method_not_allowed"),
    ],
)
def test_no_such_route_or_method(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, response.json["error"]["code"]) == (status, code)
    if status == 405:
        allowed = {name.strip() for name in response.headers["Allow"].split(",")}
        assert allowed
        assert all(name in response.json["error"]["message"] for name in allowed)


def test_a_bug_is_logged_and_not_shown(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the secret of the bug")

    monkeypatch.setattr(Debugger, "ask", broken)
    response = client.post("/api/v1/trace", json={"prompt": "a"}, headers={"X-Request-Id": "id-7"})
    assert response.status_code == 500
    assert response.json["error"]["code"] == "internal_error"
    assert response.json["error"]["request_id"] == "id-7"
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    [record] = [record for record in caplog.records if record.exc_info]
    assert "id-7" in record.getMessage()
    assert isinstance(record.exc_info and record.exc_info[1], ZeroDivisionError)
    monkeypatch.undo()
    assert client.post("/api/v1/trace", json={"prompt": "a"}).status_code == 200


ORIGIN = "http://localhost:3000"


def test_no_cors_by_default(client: FlaskClient) -> None:
    response = client.get("/api/v1/models", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    "path", ["/api/v1/trace", "/api/v1/values/0/0", "/get_data", "/generate",
             "/get_projections/layer/0/dim/0"],
)  # fmt: skip
def test_cors_for_named_origins_only(registry: ModelRegistry, path: str) -> None:
    client = client_with(registry, cors_origins=[ORIGIN])
    asked = {"Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "content-type"}  # fmt: skip
    allowed = client.options(path, headers={"Origin": ORIGIN, **asked}).headers
    assert allowed["Access-Control-Allow-Origin"] == ORIGIN
    assert "content-type" in allowed["Access-Control-Allow-Headers"].lower()
    refused = client.options(path, headers={"Origin": "http://localhost:3001", **asked}).headers
    assert "Access-Control-Allow-Origin" not in refused


def test_errors_are_readable_for_named_origins(registry: ModelRegistry) -> None:
    client = client_with(registry, cors_origins=[ORIGIN])
    response = client.post("/get_data", json={"prompt": ""}, headers={"Origin": ORIGIN})
    assert response.status_code == 422
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    ("listening", "extra", "host", "status"),
    [
        ("127.0.0.1", [], "127.0.0.1:8000", 200),
        ("127.0.0.1", [], "localhost", 200),
        ("127.0.0.1", [], "LOCALHOST:8000", 200),
        ("127.0.0.1", [], "app.localhost", 200),
        ("127.0.0.1", [], "[::1]:8000", 200),
        ("127.0.0.1", [], "attacker.example", 403),
        ("127.0.0.1", [], "127.0.0.1.attacker.example:8000", 403),
        ("127.0.0.1", [], "192.168.1.5", 403),
        ("localhost", [], "attacker.example", 403),
        ("::1", [], "attacker.example", 403),
        ("127.0.0.1", ["my.host"], "my.host:8000", 200),
        ("127.0.0.1", ["my.host"], "other.host", 403),
        ("0.0.0.0", [], "any.host", 200),
        ("0.0.0.0", ["my.host"], "my.host", 200),
        ("0.0.0.0", ["my.host"], "any.host", 403),
    ],
)
def test_hosts(
    registry: ModelRegistry, listening: str, extra: list[str], host: str, status: int
) -> None:
    client = client_with(registry, host=listening, allowed_hosts=extra)
    response = client.get("/api/v1/models", headers={"Host": host})
    assert response.status_code == status
    if status == 403:
        assert response.json["error"]["code"] == "foreign_host"
        assert "--allowed-host" in response.json["error"]["message"]


@pytest.mark.parametrize("host", ["", "a b", "[::1", "x" * 300 + ":99999"])
def test_nonsense_hosts(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code in (400, 403)


def test_body_limit_is_a_setting(registry: ModelRegistry) -> None:
    client = client_with(registry, max_body_bytes=2000)
    assert client.post("/api/v1/trace", json={"prompt": "a" * 1900}).status_code == 422
    response = client.post("/api/v1/trace", json={"prompt": "a" * 2000})
    assert response.status_code == 413
    assert "2000" in response.json["error"]["message"]


def test_application_is_not_in_debug_mode(app: Flask) -> None:
    assert app.debug is False
    assert app.testing is False
