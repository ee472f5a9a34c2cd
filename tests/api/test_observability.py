"""What can be seen from outside of the server's work: log lines, timings, metrics, readiness."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer
from lm_debugger.api.request_log import JsonFormatter
from lm_debugger.api.server import Server
from lm_debugger.engine.debugger import Debugger
from lm_debugger.settings import Settings
from lm_debugger.waiting import waited
from tests.api.conftest import PROMPT
from tests.api.test_server import Steps, next_event, stream
from tests.until import PATIENCE

TYPED = "Zanzibar"
"""What a user types: it stands in every request below and must stand in no log and no metric."""


def test_one_line_says_what_was_asked_of_what_and_how_it_went(
    client: FlaskClient, lines: list[dict[str, Any]]
) -> None:
    body = {"prompt": PROMPT, "model": "demo", "max_new_tokens": 4}
    client.post("/api/v1/generate", json=body, headers={"X-Request-Id": "id-1"})
    client.post("/api/v1/trace", json=body)  # which knows no max_new_tokens
    [done, refused] = lines
    assert set(done) == {
        "id", "method", "route", "model", "prompt_tokens", "new_tokens", "queue_ms", "compute_ms",
        "total_ms", "status", "outcome", "level",
    }  # fmt: skip
    assert (done["id"], done["method"], done["route"]) == ("id-1", "POST", "/api/v1/generate")
    assert (done["model"], done["new_tokens"]) == ("demo", 4)
    assert (done["status"], done["outcome"], done["level"]) == (200, "ok", "INFO")
    assert done["queue_ms"] == 0
    assert 0 < done["compute_ms"] <= done["total_ms"]
    assert (refused["status"], refused["outcome"]) == (422, "invalid_input")
    assert "prompt_tokens" not in refused


def test_the_prompts_tokens_are_counted(client: FlaskClient, lines: list[dict[str, Any]]) -> None:
    body = {"prompt": PROMPT, "model": "demo", "positions": "all"}
    traced = client.post("/api/v1/trace", json=body).json
    assert lines[0]["prompt_tokens"] == len(traced["unedited"]["positions"])


@pytest.mark.parametrize(
    ("path", "route", "outcome"),
    [
        ("/api/v1/values/0/7", "/api/v1/values/<layer>/<dim>", "ok"),
        ("/api/v1/values/99/7", "/api/v1/values/<layer>/<dim>", "unknown_layer"),
        ("/api/v1/values/0/7?model=gpt5", "/api/v1/values/<layer>/<dim>", "unknown_model"),
        ("/api/v1/nothing", "none", "not_found"),
        ("/api/v1/trace", "none", "method_not_allowed"),
    ],
)
def test_routes_are_named_by_their_rule(
    client: FlaskClient, lines: list[dict[str, Any]], path: str, route: str, outcome: str
) -> None:
    status = client.get(path).status_code
    [line] = lines
    assert (line["route"], line["outcome"], line["status"]) == (route, outcome, status)


def test_probes_and_files_are_for_debugging_only(
    client: FlaskClient, lines: list[dict[str, Any]]
) -> None:
    for path in ("/healthz", "/readyz", "/favicon.svg", "/"):
        client.get(path)
    client.get("/api/v1/models")
    assert [line["level"] for line in lines] == ["DEBUG"] * 4 + ["INFO"]


def test_a_stream_is_logged_when_it_has_ended(
    registry: ModelRegistry, lines: list[dict[str, Any]]
) -> None:
    with Server(Settings(port=0), registry) as server:
        connection, response = stream(server, 5)
        assert next_event(response) == "start"
        assert lines == []
        response.read()
        connection.close()
    [line] = lines
    assert (line["new_tokens"], line["outcome"], line["status"]) == (5, "ok", 200)
    assert line["compute_ms"] > 0


def test_a_client_that_hangs_up_is_told_from_one_that_does_not(
    registry: ModelRegistry, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch, until_unwanted=True)
    with Server(Settings(port=0), registry) as server:
        connection, response = stream(server, 200)
        assert [next_event(response) for _ in range(2)] == ["start", "step"]
        response.close()
        connection.close()
        assert steps.closed.wait(PATIENCE)
    [line] = lines
    assert (line["outcome"], line["new_tokens"]) == ("client_gone", 1)


def test_waiting_is_told_apart_from_working(
    app: Flask, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Debugger.ask

    def after_a_wait(*asked: Any, **more: Any) -> Any:
        waited(0.25)
        waited(0.5)
        return ask(*asked, **more)

    monkeypatch.setattr(Debugger, "ask", after_a_wait)
    reply = app.test_client().post("/api/v1/trace", json={"prompt": PROMPT})
    timing = dict(part.split(";dur=") for part in reply.headers["Server-Timing"].split(", "))
    assert list(timing) == ["queue", "compute", "total"]
    assert (timing["queue"], lines[0]["queue_ms"]) == ("750.0", 750.0)


def test_waits_of_one_thread_are_not_anothers() -> None:
    from lm_debugger.waiting import waits

    with waits() as mine:
        thread = threading.Thread(target=waited, args=(1.0,))
        thread.start()
        thread.join()
        waited(2.0)
    waited(3.0)
    assert mine == [2.0]


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("trace", {"prompt": TYPED}),
    ("trace", {"prompt": TYPED, "positions": [99]}),
    ("trace", {"prompt": TYPED * 300}),
    ("trace", {"prompt": TYPED, "model": TYPED}),
    ("trace", {"prompt": TYPED, TYPED: 1}),
    ("generate", {"prompt": TYPED, "max_new_tokens": 2}),
    ("generate/stream", {"prompt": TYPED, "max_new_tokens": 2}),
    ("grid", {"prompt": TYPED}),
    ("follow", {"prompt": TYPED, "tokens": [1]}),
    ("attribute", {"prompt": TYPED, "token": 1}),
    ("sub_updates", {"prompt": TYPED, "layer": 0}),
    ("code", {"form": TYPED, "run": {"prompt": TYPED}}),
]


def ask_everything(client: FlaskClient) -> None:
    for path, body in ASKED:
        client.post(f"/api/v1/{path}", json=body).get_data()
    for path in ("search/keywords", "search/concepts", "tokens", "nothing"):
        client.get(f"/api/v1/{path}?q={TYPED}")
    for path in ("get_data", "generate"):
        client.post(f"/{path}", json={"prompt": TYPED, "generate_k": 1, "interventions": []})
    client.get(f"/{TYPED}", headers={"X-Request-Id": f"<{TYPED}>", "User-Agent": TYPED})
    client.get("/healthz", headers={"Host": TYPED})


def test_nothing_that_was_typed_is_logged(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask_everything(app.test_client())
    assert len([r for r in caplog.records if r.name == "lm_debugger.access"]) == len(ASKED) + 8
    said = [json.dumps({**vars(r), "text": r.getMessage()}, default=str) for r in caplog.records]
    assert [text for text in said if TYPED in text] == []


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_line_is_one_line_and_can_be_read_by_a_program(
    registry: ModelRegistry, log_format: str, tmp_path: Path, demo_debugger: Debugger
) -> None:
    """Also with a model whose name, a folder, tries to be more than one field."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter())
    access = logging.getLogger("lm_debugger.access")
    access.addHandler(handler)
    access.setLevel(logging.INFO)
    name = 'a b\nstatus=500 "c'
    models = ModelRegistry([name], lambda *_: demo_debugger, indexer(Settings()))
    models.start()
    models.wait()
    try:
        client = create_app(Settings(), models).test_client()
        assert client.get("/api/v1/values/0/0").status_code == 200
    finally:
        access.removeHandler(handler)
        access.setLevel(logging.NOTSET)
    [line] = out.getvalue().splitlines()
    if log_format == "json":
        fields = json.loads(line)
        assert (fields["model"], fields["status"], fields["level"]) == (name, 200, "info")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields["time"])
    else:
        pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)
        fields = dict(pairs)
        assert len(pairs) == len(fields)
        assert (json.loads(fields["model"]), fields["status"]) == (name, "200")


@pytest.fixture(scope="module")
def demo_debugger(registry: ModelRegistry) -> Debugger:
    return registry.get("demo")


def test_other_messages_are_json_too(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("inner")
    except ValueError:
        logging.getLogger("some.where").exception("a %s\nb", "message")
    fields = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (fields["message"], fields["logger"]) == ("a message\nb", "some.where")
    assert "ValueError: inner" in fields["exception"]
