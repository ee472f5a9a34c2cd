"""On the way from a body to its answer everything is done once: the prompt is tokenised, the
interventions are made and held against the model, and the model runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from flask.testing import FlaskClient

from lm_debugger.engine import interventions
from lm_debugger.engine.asked import Intervention
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.model import Model
from lm_debugger.engine.passes import Runner
from lm_debugger.errors import UnknownLayer
from tests.api.conftest import PROMPT

Edits: TypeAlias = list[dict[str, Any]]
EDITS: Edits = [
    {"layer": 0, "dim": 3, "kind": "set", "value": 2.5},
    {"layer": 1, "dim": 2, "kind": "off"},
]
RUN = {"format": "lm-debugger-run", "version": 1, "prompt": PROMPT, "interventions": EDITS}
ASKED: dict[str, dict[str, Any]] = {
    "trace": {},
    "grid": {},
    "follow": {"tokens": [7]},
    "attribute": {"token": 7},
    "sub_updates": {"layer": 0, "token": 7},
    "generate": {},
    "generate/stream": {},
}


def counting(
    monkeypatch: pytest.MonkeyPatch, counts: Counter[str], owner: Any, name: str, what: str
) -> None:
    """Count the calls of a method."""
    method: Callable[..., Any] = getattr(owner, name)

    def counted(*args: Any, **options: Any) -> Any:
        counts[what] += 1
        return method(*args, **options)

    monkeypatch.setattr(owner, name, counted)


@pytest.fixture
def counts(forgetful: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    found: Counter[str] = Counter()
    debugger: Debugger = forgetful.application.extensions["lm_debugger"].registry.get()
    debugger.tokenize(PROMPT)  # what the tokenizer begins texts with is asked once a model
    tokenizer = type(debugger.checkpoint.tokenizer)
    counting(monkeypatch, found, tokenizer, "__call__", "tokenised")
    counting(monkeypatch, found, Model, "interventions", "checked")
    counting(monkeypatch, found, Intervention, "__post_init__", "made")
    counting(monkeypatch, found, interventions, "check_value", "vectors")
    counting(monkeypatch, found, Runner, "run", "run")
    return found


@pytest.mark.parametrize("path", ASKED)
def test_a_question_is_encoded_checked_and_run_once(
    forgetful: FlaskClient, counts: Counter[str], path: str
) -> None:
    body = {"prompt": PROMPT, "interventions": EDITS, **ASKED[path]}
    reply = forgetful.post(f"/api/v1/{path}", json=body)
    assert reply.status_code == 200, reply.text
    runs = 0 if path.startswith("generate") else 1  # a generation has passes of its own
    assert (counts["tokenised"], counts["checked"], counts["made"]) == (1, 1, len(EDITS))
    assert counts["vectors"] == len(EDITS) + (path == "sub_updates")  # and the layer's first
    assert counts["run"] == runs


def test_so_is_a_run_that_becomes_a_program(forgetful: FlaskClient, counts: Counter[str]) -> None:
    model = forgetful.get("/api/v1/models").json["default"]
    body = {"form": "transformers", "run": {**RUN, "model": model}}
    assert forgetful.post("/api/v1/code", json=body).status_code == 200
    each = len(EDITS)
    assert counts == {"tokenised": 1, "checked": 1, "made": each, "vectors": each}


@pytest.mark.parametrize("path", ["/get_data", "/generate"])
def test_so_is_what_lm_debuggers_page_asks(
    forgetful: FlaskClient, counts: Counter[str], path: str
) -> None:
    edits = [{"layer": 0, "dim": 3, "coeff": 0}]
    body = {"prompt": PROMPT, "interventions": edits, "generate_k": 3}
    assert forgetful.post(path, json=body).status_code == 200
    assert (counts["tokenised"], counts["checked"], counts["made"]) == (1, 1, 1)
    assert counts["vectors"] == 1


def test_what_is_refused_is_not_run(forgetful: FlaskClient, counts: Counter[str]) -> None:
    body = {"prompt": PROMPT, "interventions": [{"layer": 9, "dim": 0, "kind": "off"}]}
    assert forgetful.post("/api/v1/trace", json=body).status_code == 422
    assert counts == {"tokenised": 1, "checked": 1, "made": 1, "vectors": 1}


ASKED_OF_PYTHON: dict[str, Callable[[Debugger, Edits, Path], Any]] = {
    "trace": lambda debugger, edits, _: debugger.trace(PROMPT, edits),
    "grid": lambda debugger, edits, _: debugger.grid(PROMPT, edits),
    "follow": lambda debugger, edits, _: debugger.follow(PROMPT, [7], edits),
    "attribute": lambda debugger, edits, _: debugger.attribute(PROMPT, 7, interventions=edits),
    "sub_updates": lambda debugger, edits, _: debugger.sub_updates(PROMPT, 0, interventions=edits),
    "generate": lambda debugger, edits, _: debugger.generate(PROMPT, edits),
    "stream": lambda debugger, edits, _: list(debugger.stream(PROMPT, edits)),
    "bake": lambda debugger, edits, folder: debugger.bake(edits, folder / "baked"),
}


@pytest.mark.parametrize("name", ASKED_OF_PYTHON)
def test_so_is_what_python_asks(
    forgetful: FlaskClient, counts: Counter[str], tmp_path: Path, name: str
) -> None:
    debugger: Debugger = forgetful.application.extensions["lm_debugger"].registry.get()
    ASKED_OF_PYTHON[name](debugger, EDITS, tmp_path)
    assert counts["made"] == len(EDITS)
    assert counts["vectors"] == len(EDITS) + (name == "sub_updates")  # and the layer's first
    assert counts["tokenised"] == (name != "bake")  # weights are the same for all prompts


@pytest.mark.parametrize("name", ASKED_OF_PYTHON)
def test_python_is_refused_what_the_model_does_not_have(
    forgetful: FlaskClient, counts: Counter[str], tmp_path: Path, name: str
) -> None:
    debugger: Debugger = forgetful.application.extensions["lm_debugger"].registry.get()
    wrong = [*EDITS, {"node": "L9D0", "kind": "off"}]
    with pytest.raises(UnknownLayer, match="There is no layer 9") as refused:
        ASKED_OF_PYTHON[name](debugger, wrong, tmp_path)
    assert refused.value.details["intervention"] == len(EDITS)
    assert counts["run"] == 0
