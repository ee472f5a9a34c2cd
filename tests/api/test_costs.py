"""What a body costs before anything is computed: little memory and few findings for its size,
whatever is wrong with it. (How long bodies of the full size take: `tests.benchmarks.bodies`.)"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, ValidationError

from lm_debugger.api import legacy_schemas, queries, schemas
from lm_debugger.api.questions import QUESTIONS
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import InvalidInput
from lm_debugger.json_input import checked
from lm_debugger.runs import schema
from tests.benchmarks.bodies import BODIES, RUN

SIZE = 100_000
MEMORY_PER_BYTE = 50
"""Python takes some 30 bytes for `{},`. It was 850 where every fault became a sentence."""
FINDINGS = 40

MODELS: list[type[BaseModel]] = [
    *(route.body for route in QUESTIONS if route.body),
    schemas.CodeRequest,
    schema.RunFile,
    legacy_schemas.LegacyDataRequest,
]


def test_every_question_that_is_sent_is_among_them() -> None:
    assert {model.__name__ for model in MODELS} >= {
        f"{name}Request"
        for name in ("Trace", "Generate", "Grid", "Follow", "Attribute", "SubUpdates", "Code")
    }


def findings(refusal: InvalidInput) -> int:
    cause = refusal.__cause__
    assert isinstance(cause, ValidationError)
    return cause.error_count()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_costs_memory_and_findings_by_its_size(
    model: type[BaseModel], body: Callable[[int], str]
) -> None:
    text = body(SIZE)
    if model is schemas.CodeRequest:
        text = RUN % text
    sent = text.encode()
    assert SIZE / 2 < len(sent) <= SIZE + 500
    refusal: InvalidInput | None = None
    tracemalloc.start()
    try:
        checked(model, sent)
    except InvalidInput as error:
        refusal = error
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEMORY_PER_BYTE * SIZE
    if refusal is not None:
        assert findings(refusal) <= FINDINGS
        assert len(refusal.message) < 2000


def test_an_address_costs_findings_by_what_is_told() -> None:
    with pytest.raises(InvalidInput, match="and more") as caught:
        checked(queries.TokensQuery, {"q": "a", **{f"key{n}": "" for n in range(10_000)}})
    assert findings(caught.value) <= FINDINGS


def refuse(*_: Any) -> Any:
    raise AssertionError("looked at, though there are too many")


@pytest.mark.parametrize(
    "path", ["trace", "generate", "grid", "follow", "attribute", "sub_updates", "code", "/get_data"]
)
def test_too_many_interventions_are_not_looked_at(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    edit: dict[str, Any] = {"layer": 0, "dim": 0, "kind": "off"}
    body: dict[str, Any] = {"prompt": "a", "interventions": [edit] * 257}
    more = {
        "follow": {"tokens": [1]},
        "attribute": {"token": 1},
        "sub_updates": {"layer": 0},
        "code": {"format": "lm-debugger-run", "version": 1, "model": "demo"},
    }
    body |= more.get(path, {})
    if path == "code":
        body = {"run": body, "form": "transformers"}
    if path == "/get_data":
        body["interventions"] = [{"layer": 0, "dim": 0, "coeff": 0}] * 257
    monkeypatch.setattr("lm_debugger.engine.asked.Intervention.__post_init__", refuse)
    reply = client.post(path if path.startswith("/") else f"/api/v1/{path}", json=body)
    assert reply.status_code == 422
    assert "257 interventions; at most 256" in reply.text


def test_too_many_tokens_are_not_looked_up(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[int] = []
    token = Vocabulary.token
    monkeypatch.setattr(
        Vocabulary, "token", lambda own, id: (looked_up.append(id), token(own, id))[1]
    )
    body = {"prompt": "a", "tokens": [7] * 201}
    error = client.post("/api/v1/follow", json=body).json["error"]
    assert 7 not in looked_up
    assert (error["code"], error["details"]["limit"]) == ("out_of_range", "max_top_k")
