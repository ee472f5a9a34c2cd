"""Failures on LM-Debugger's routes: the status, and a sentence in plain text. Its page takes any
JSON for a success (a white page), and shows its own message for anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.state import state_of
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.errors import ClientGone, LoadError
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT

TRACE = {"prompt": PROMPT, "interventions": []}
GENERATE = {"prompt": PROMPT, "generate_k": 1, "interventions": []}

Ask = Callable[[FlaskClient], TestResponse]
ASKS: dict[str, Ask] = {
    "get_projections": lambda client: client.get("/get_projections/layer/0/dim/0"),
    "get_data": lambda client: client.post("/get_data", json=TRACE),
    "generate": lambda client: client.post("/generate", json=GENERATE),
}
"""What LM-Debugger's page asks, and is answered when all is well."""
every_route = pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)


def assert_sentence(response: TestResponse, status: int, *words: str) -> None:
    """The status; as body one line that says the words and is no JSON, whoever tries to read it."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Request-Id"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.text)
    assert response.text.endswith(".")
    assert "\n" not in response.text
    for word in words:
        assert word in response.text


def edit(**changes: Any) -> dict[str, Any]:
    return {**TRACE, "interventions": [{"layer": 0, "dim": 0, "coeff": 1, **changes}]}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"prompt": ""}, 422, "prompt is empty"),
        ({"prompt": "a " * 400}, 422, "64"),
        ({"prompt": "a" * 50_001}, 422, "max_prompt_chars"),
        ({"prompt": 7}, 422, "prompt must be a string"),
        ({}, 422, "prompt is missing"),
        (edit(layer=3), 422, "0 to 1"),
        (edit(layer=-1), 422, "0 to 1"),
        (edit(dim=5000), 422, "0 to 39"),
        (edit(coeff="x"), 422, "coeff must be a number"),
        ({"prompt": "a", "interventions": [{"layer": 0, "dim": 0}]}, 422, "coeff is missing"),
        (edit()["interventions"] * 257, 422, "must be a JSON object"),
        ({**TRACE, "interventions": edit()["interventions"] * 257}, 422, "max_interventions"),
    ],
)
@pytest.mark.parametrize("path", ["/get_data", "/generate"])
def test_what_is_asked_is_wrong(
    client: FlaskClient, path: str, body: Any, status: int, words: str
) -> None:
    if isinstance(body, dict):
        body = {"generate_k": 1, **body}
    assert_sentence(client.post(path, json=body), status, words)
    assert ASKS["get_data"](client).json["response"]["layers"]


@pytest.mark.parametrize(
    ("k", "words"),
    [(0, "max_new_tokens"), (257, "max_new_tokens"), ("3", "generate_k must be an integer")],
)
def test_a_wrong_number_of_tokens(client: FlaskClient, k: object, words: str) -> None:
    assert_sentence(client.post("/generate", json={**GENERATE, "generate_k": k}), 422, words)


@pytest.mark.parametrize(
    ("place", "status", "words"),
    [
        ("layer/99/dim/1", 404, "0 to 1"),
        ("layer/0/dim/40", 404, "0 to 39"),
        ("layer/0/dim/-1", 404, "0 to 39"),
        ("layer/x/dim/1", 422, "layer must be an integer"),
        ("layer/0/dim/1?layer=1", 422, "more than once"),
    ],
)
def test_a_vector_that_is_not_there(
    client: FlaskClient, place: str, status: int, words: str
) -> None:
    assert_sentence(client.get(f"/get_projections/{place}"), status, words)


@pytest.mark.parametrize("path", ["/get_data", "/generate"])
@pytest.mark.parametrize(
    ("body", "media", "status", "words"),
    [
        (b"", "application/json", 400, "empty"),
        (b"{", "application/json", 400, "not valid JSON"),
        (b'{"prompt": "\xff"}', "application/json", 400, "not valid JSON"),
        (b"[]", "application/json", 422, "must be a JSON object"),
        (b"{}", "text/plain", 415, "application/json"),
        (b"{}", None, 415, "application/json"),
        (b" " * 1_000_001, "application/json", 413, "1000000"),
    ],
)
def test_bodies_that_cannot_be_read(
    client: FlaskClient, path: str, body: bytes, media: str | None, status: int, words: str
) -> None:
    assert_sentence(client.post(path, data=body, content_type=media), status, words)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/get_data", "POST"),
        ("GET", "/generate", "POST"),
        ("PUT", "/generate", "POST"),
        ("POST", "/get_projections/layer/0/dim/0", "GET"),
    ],
)
def test_wrong_methods(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    response = client.open(path, method=method, json={})
    assert_sentence(response, 405, allowed)
    assert allowed in response.headers["Allow"]


@pytest.fixture
def with_page(registry: ModelRegistry, tmp_path: Path) -> FlaskClient:
    """A server that has a page to answer unknown addresses with."""
    (tmp_path / "index.html").write_text("<title>the page</title>")
    (tmp_path / "generate").mkdir()
    (tmp_path / "generate" / "a.js").write_text("1")
    return create_app(Settings(), registry, tmp_path).test_client()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/get_projections", "/get_projections/", "/get_projections/x", "/get_projections/layer/1",
        "/get_projections/layer/1/dim/2/3", "/get_projections/x.js", "/get_data/", "/get_data/foo",
        "/generate/bar", "/generate/bar/", "/generate/a.js",
    ],
)  # fmt: skip
def test_wrong_addresses_below_them_are_not_the_page(
    with_page: FlaskClient, method: str, path: str
) -> None:
    assert_sentence(with_page.open(path, method=method), 404, "nothing at")


@pytest.mark.parametrize("path", ["/", "/generated", "/get_data2", "/explore"])
def test_addresses_beside_them_are_the_page(with_page: FlaskClient, path: str) -> None:
    assert with_page.get(path).text == "<title>the page</title>"


# --- not now, not you, not so often --------------------------------------------------------------


@every_route
def test_while_the_model_loads(ask: Ask) -> None:
    registry = ModelRegistry(["demo"], lambda *_: pytest.fail("not started"), lambda *_: None)  # type: ignore[arg-type, return-value]
    response = ask(create_app(Settings(), registry).test_client())
    assert_sentence(response, 503, "still loading")
    assert int(response.headers["Retry-After"]) > 0


@every_route
def test_where_no_model_could_be_loaded(ask: Ask) -> None:
    def fail(*_: object) -> Debugger:
        raise LoadError("There is no memory for it.")

    registry = ModelRegistry(["demo"], fail, lambda *_: None)  # type: ignore[arg-type, return-value]
    registry.start()
    registry.wait()
    response = ask(create_app(Settings(), registry).test_client())
    assert_sentence(response, 503, "There is no memory for it.")


def application(registry: ModelRegistry, **settings: Any) -> FlaskClient:
    return create_app(Settings(**settings), registry).test_client()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Let whatever the three routes ask of the engine end so."""

    def with_error(error: Exception) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        for name in ("trace", "generate", "project"):
            monkeypatch.setattr(Debugger, name, fail)

    return with_error


@every_route
def test_a_bug(client: FlaskClient, broken: Callable[[Exception], None], ask: Ask) -> None:
    broken(ZeroDivisionError("the secret of the bug"))
    response = ask(client)
    assert_sentence(response, 500, response.headers["X-Request-Id"])
    assert "secret" not in response.text


@every_route
def test_a_client_that_is_gone(
    client: FlaskClient, broken: Callable[[Exception], None], ask: Ask
) -> None:
    broken(ClientGone("The client has hung up."))
    assert_sentence(ask(client), 499, "hung up")


@every_route
def test_all_threads_are_busy(registry: ModelRegistry, ask: Ask) -> None:
    client = application(registry, threads=5)
    state_of(client.application).in_flight.enter("someone")
    response = ask(client)
    assert_sentence(response, 503, "threads = 5")
    assert int(response.headers["Retry-After"]) > 0


@every_route
def test_too_many_at_once_from_one_client(registry: ModelRegistry, ask: Ask) -> None:
    client = application(registry, hosted=True, max_requests_at_once=1)
    state_of(client.application).in_flight.enter("127.0.0.1")
    response = ask(client)
    assert_sentence(response, 429, "max_requests_at_once")
    assert int(response.headers["Retry-After"]) > 0


@every_route
def test_too_many_in_a_minute(registry: ModelRegistry, ask: Ask) -> None:
    client = application(registry, hosted=True, max_requests_per_minute=1)
    assert ask(client).status_code == 200
    response = ask(client)
    assert_sentence(response, 429, "max_requests_per_minute")
    assert int(response.headers["Retry-After"]) > 0


@every_route
def test_a_server_that_ends(registry: ModelRegistry, ask: Ask) -> None:
    client = application(registry)
    state_of(client.application).closing.begin(grace=0)
    response = ask(client)
    assert_sentence(response, 503, "shutting down")
    assert int(response.headers["Retry-After"]) > 0


@every_route
def test_a_request_that_takes_too_long(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    def slow(*_: object, **__: object) -> None:
        while True:
            may_go_on()

    for name in ("trace", "generate", "project"):
        monkeypatch.setattr(Debugger, name, slow)
    response = ask(application(registry, max_seconds=0.05))
    assert_sentence(response, 503, "max_seconds")
    assert int(response.headers["Retry-After"]) > 0


@every_route
def test_a_foreign_name(registry: ModelRegistry, ask: Ask) -> None:
    client = application(registry, host="0.0.0.0", allowed_hosts=["my.host"])
    assert_sentence(ask(client), 403, "'localhost'", "--allowed-host")


@pytest.mark.parametrize("path", ["/get_data", "/get_projections/x"])
def test_below_the_prefix_of_a_proxy(registry: ModelRegistry, path: str) -> None:
    client = application(registry, base_url="/lm/")
    status = 404 if path.endswith("x") else 422
    assert_sentence(client.post(f"/lm{path}", json={"prompt": ""}), status)


def test_failures_can_be_read_by_its_page(registry: ModelRegistry) -> None:
    """It comes from another origin: without this its own message would be one of the network."""
    origin = "http://localhost:3000"
    client = application(registry, cors_origins=[origin])
    for path in ("/get_projections/layer/9/dim/9", "/get_projections/x", "/get_data", "/generate"):
        response = client.get(path, headers={"Origin": origin})
        assert response.status_code in (404, 405)
        assert response.headers["Access-Control-Allow-Origin"] == origin
