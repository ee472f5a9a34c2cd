"""What `/metrics` counts, and that it does not grow by what clients type."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.api.test_observability import TYPED, ask_everything


def samples(client: FlaskClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """(name, values of its labels) -> value."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


@pytest.fixture
def measured(registry: ModelRegistry, settings: Settings) -> FlaskClient:
    on = settings.model_copy(update={"metrics": True})
    return create_app(on, registry).test_client()


def test_metrics_count_what_happened(measured: FlaskClient) -> None:
    body = {"prompt": PROMPT, "model": "demo", "max_new_tokens": 3}
    for _ in range(2):
        assert measured.post("/api/v1/generate", json=body).status_code == 200
    measured.post("/api/v1/generate", json={"prompt": ""})
    found = samples(measured)
    route = "/api/v1/generate"
    # sorted by label: method, outcome, route, status
    assert found["lm_debugger_requests_total", ("POST", "ok", route, "200")] == 2
    assert found["lm_debugger_requests_total", ("POST", "empty_prompt", route, "422")] == 1
    assert found["lm_debugger_tokens_total", ("new", "demo")] == 6
    assert found["lm_debugger_request_seconds_count", (route,)] == 3
    assert found["lm_debugger_compute_seconds_sum", (route,)] > 0
    assert found["lm_debugger_requests_in_flight", ()] == 0
    assert found["lm_debugger_model_ready", ("demo",)] == 1


def test_metrics_tell_nothing_that_was_typed(measured: FlaskClient) -> None:
    ask_everything(measured)
    assert TYPED not in measured.get("/metrics").text


def test_anybodys_addresses_do_not_make_more_metrics(measured: FlaskClient) -> None:
    before = len(samples(measured))
    measured.get("/page-0")
    measured.get("/api/v1/nothing-0")
    known = len(samples(measured))
    for number in range(1, 20):
        measured.get(f"/page-{number}")
        measured.get(f"/api/v1/nothing-{number}")
    assert before < len(samples(measured)) == known


def test_anybodys_methods_do_not_make_more_metrics(
    measured: FlaskClient, lines: list[dict[str, Any]]
) -> None:
    def series() -> int:
        return measured.get("/metrics").text.count("\n")

    series()  # which is counted, too
    measured.open("/api/v1/models", method="X-1")
    measured.open("/nowhere", method="X-2")
    before = series()
    for number in range(50):
        reply = measured.open(("/api/v1/models", "/nowhere")[number % 2], method=f"BREW{number}")
        assert (reply.status_code, reply.json["error"]["code"]) == (405, "method_not_allowed")
    assert series() == before
    text = measured.get("/metrics").text
    assert "BREW" not in text and 'method="other"' in text  # noqa: PT018
    assert {line["method"] for line in lines if line["status"] == 405} == {"other"}


def test_without_the_setting_there_are_no_metrics(registry: ModelRegistry) -> None:
    response = create_app(Settings(), registry).test_client().get("/metrics")
    assert (response.status_code, response.json["error"]["code"]) == (404, "not_found")
    assert "--metrics" in response.json["error"]["message"]
