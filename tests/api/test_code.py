"""`POST /code`: both programs, as they come over the wire, print what the API says of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import PROMPT
from tests.models import DEMO
from tests.runs.execute import execute

# The model is the API's default one, but a run has to name its own.
EDITS: dict[str, list[dict[str, Any]]] = {
    "random": [
        {"layer": 1, "dim": 27, "kind": "on"},
        {"layer": 0, "dim": 3, "kind": "set", "value": -2.0, "positions": [0, -1]},
    ],
    "demo": [
        {"layer": 1, "dim": 27, "kind": "on"},
        {"layer": 0, "dim": 3, "kind": "scale", "value": -3.0},
    ],
}


def run_of(model: str, name: str) -> dict[str, Any]:
    head = {"format": "lm-debugger-run", "version": 1, "model": model, "prompt": PROMPT}
    return {**head, "interventions": EDITS[name], "max_new_tokens": 6}


@pytest.mark.parametrize("form", ["lm_debugger", "transformers"])
def test_programs_print_what_the_api_replies(
    client: FlaskClient, random_folder: Path, form: str
) -> None:
    models = {"random": (str(random_folder), random_folder), "demo": ("demo", DEMO)}
    programs, expected = [], []
    for name, (model, folder) in models.items():
        run = run_of(model, name)
        reply = client.post("/api/v1/code", json={"run": run, "form": form})
        assert reply.status_code == 200, reply.json
        programs.append((reply.json["code"], folder))  # type: ignore[index]
        asked = {"model": model, "prompt": PROMPT, "interventions": EDITS[name]}
        trace = client.post("/api/v1/trace", json=asked).json
        text = client.post("/api/v1/generate", json={**asked, "max_new_tokens": 6}).json
        expected.append((trace, text["text"]))  # type: ignore[index]
    for printed, (trace, text) in zip(
        execute(programs, with_package=form == "lm_debugger"), expected, strict=True
    ):
        for which in ("unedited", "edited"):
            top = trace[which]["positions"][0]["layers"][-1]["after"]["top"]
            assert [token for token, _ in printed[which].top] == [item["text"] for item in top]
            for (_, prob), item in zip(printed[which].top, top, strict=True):
                assert prob == pytest.approx(item["prob"], rel=2e-5, abs=1e-8)
        assert printed["edited"].text == text


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model": "nobody"}, 404, "unknown_model"),
        ({"version": 2}, 422, "invalid_input"),
        ({"interventions": [{"layer": 99, "dim": 0, "kind": "on"}]}, 422, "unknown_layer"),
        ({"position": 99}, 422, "invalid_position"),
        ({"prompt": ""}, 422, "empty_prompt"),
        ({"prompt": "a" * 50_001}, 422, "prompt_too_long"),
        ({"extra": 1}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_run_is_refused(
    client: FlaskClient, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"run": {**run_of("demo", "demo"), **change}, "form": "transformers"}
    reply = client.post("/api/v1/code", json=body)
    assert (reply.status_code, reply.json["error"]["code"]) == (status, code)  # type: ignore[index]


def test_the_form_must_be_one_of_two(client: FlaskClient) -> None:
    reply = client.post("/api/v1/code", json={"run": run_of("demo", "demo"), "form": "pickle"})
    assert reply.status_code == 422
    assert "'lm_debugger' or 'transformers'" in reply.json["error"]["message"]  # type: ignore[index]
