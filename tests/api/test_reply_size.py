"""What a request asks for multiplies; the product is refused before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.questions import attribute, follow, generate, grid, sub_updates, trace
from lm_debugger.engine.questions.base import Question
from lm_debugger.engine.types import LIMITS, Intervention, Limits, Trace
from lm_debugger.engine.weight import Shape
from lm_debugger.errors import AnswerTooLarge
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.models import SHAPES

OFF = {"layer": 0, "dim": 0, "kind": "off"}
WORDS = "the wife of the man is working as a nurse in the month of May and she said that it was"


@pytest.fixture(scope="module")
def wide(settings: Settings) -> Settings:
    """Every limit but that of the reply is far away."""
    limits = {"max_top_k": 10_000, "max_new_tokens": 1000, "max_positions": 1000}
    return settings.model_copy(update={**limits, "max_reply_mb": 1, "models": ["demo"]})


@pytest.fixture(scope="module")
def one_mb(wide: Settings) -> FlaskClient:
    """A server whose replies may have 1 MB."""
    registry = ModelRegistry(wide.models, loader(wide), indexer(wide))
    registry.start()
    registry.wait()
    return create_app(wide, registry).test_client()


@pytest.fixture(scope="module")
def random_debugger(checkpoint: Callable[[str], Path]) -> Callable[[str], Debugger]:
    """The random model of a shape, which lists as much as it is asked for."""

    @cache
    def load(shape: str) -> Debugger:
        return Debugger.load(checkpoint(shape), device="cpu", limits=Limits(max_top_k=10_000))

    return load


ASKS: dict[str, type[Question[Any]]] = {
    "trace": trace.Ask,
    "grid": grid.Ask,
    "follow": follow.Ask,
    "sub_updates": sub_updates.Ask,
    "attribute": attribute.Ask,
    "generate": generate.Ask,
}


def weighed(client: FlaskClient, path: str, body: dict[str, Any]) -> int:
    """What the question says of itself, with numbers as they are once it is checked."""
    info = client.get("/api/v1/models").json["models"][-1]
    assert info["id"] == "demo"
    shape = Shape(info["n_layers"], info["ffn_width"], info["vocab_size"])
    checked: dict[str, Any] = {"prompt": WORDS, **body}
    if path in ("trace", "grid"):
        checked["positions"] = tuple(body.get("positions", [0]))
    checked["interventions"] = tuple(Intervention(**edit) for edit in body.get("interventions", ()))
    return ASKS[path](**checked).weight(shape)


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("trace", {"top_k": 10}),
    ("trace", {"top_k": 200}),
    ("trace", {"top_k": 100, "interventions": [OFF]}),
    ("trace", {"top_k": 20, "positions": [0, 1, 2, 3]}),
    ("trace", {"top_k": 10, "positions": [0, 1, 2, 3, 4, 5, 6, 7], "interventions": [OFF]}),
    ("grid", {"positions": [*range(16)]}),
    ("grid", {"positions": [*range(16)], "interventions": [OFF]}),
    ("follow", {"tokens": [*range(300)]}),
    ("follow", {"tokens": [*range(300)], "interventions": [OFF]}),
    ("sub_updates", {"layer": 1, "top_k": 50, "n_tokens": 3}),
    ("sub_updates", {"layer": 1, "top_k": 20, "n_tokens": 200}),
    ("attribute", {"token": 7, "top_k": 500}),
    ("generate", {"max_new_tokens": 20, "alternatives": 200}),
]


@pytest.mark.parametrize(("path", "body"), ASKED)
def test_no_reply_is_heavier_than_it_was_said_to_be(
    one_mb: FlaskClient, path: str, body: dict[str, Any]
) -> None:
    reply = one_mb.post(f"/api/v1/{path}", json={"prompt": WORDS, **body})
    assert reply.status_code == 200, reply.text[:300]
    if path == "generate":
        body["max_new_tokens"] = len(reply.json["steps"])
    beside = 3000  # the prompt, its tokens and what was edited: as long as the request
    expected = weighed(one_mb, path, body)
    assert len(reply.data) <= expected + beside
    assert expected <= 3 * len(reply.data)


CHANGES = {"none": [], "off": [Intervention.off("L0D0")], "set": [Intervention.set("L0D1", 300.0)]}


def listed(answer: Trace) -> int:
    """Tokens in the comparisons of a trace."""
    layers = [layer for position in answer.comparison or () for layer in position.layers]
    return sum(len(state.tokens) for layer in layers for state in (layer.before, layer.after))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("top_k", [1, 10, 50, 400])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_trace_takes_what_it_is_said_to_take(
    random_debugger: Callable[[str], Debugger], shape: str, top_k: int, change: str
) -> None:
    debugger = random_debugger(shape)
    info, edits = debugger.info, CHANGES[change]
    of_model = Shape(info.n_layers, info.ffn_width, info.vocab_size)
    asked = trace.Ask(prompt=WORDS, interventions=tuple(edits), positions=(0, 3, 5), top_k=top_k)
    answer = debugger.ask(asked)
    request = {"prompt", "tokens", "positions", "interventions"}
    size = len(TypeAdapter(Trace).dump_json(answer, exclude=request))
    expected = asked.weight_told(of_model, answer) or asked.weight(of_model)
    assert size <= expected <= (1.25 if top_k == 1 else 1.15) * size
    before = asked.weight(of_model)
    assert expected / 1.45 <= before <= expected


def test_what_only_the_runs_can_tell_is_weighed_again(
    random_debugger: Callable[[str], Debugger],
) -> None:
    """Two runs that have few tokens in common have twice as many to compare."""
    near, far = Intervention.set("L1D0", 1e-3), Intervention.set("L0D1", 300.0)
    free = random_debugger("untied")
    bounded = Debugger(free.checkpoint, replace(free.limits, max_reply_mb=1))
    assert listed(free.trace(WORDS, far, top_k=900)) > 1.2 * listed(
        free.trace(WORDS, near, top_k=900)
    )
    bounded.trace(WORDS, near, top_k=900)
    with pytest.raises(AnswerTooLarge, match="at most 1 MB"):
        bounded.trace(WORDS, far, top_k=900)


TOO_MUCH: list[tuple[str, dict[str, Any]]] = [
    ("trace", {"top_k": 1000, "interventions": [OFF]}),
    ("trace", {"top_k": 200, "positions": "all"}),
    ("follow", {"tokens": [7] * 9000}),
    ("sub_updates", {"layer": 1, "top_k": 500, "n_tokens": 100}),
    ("generate", {"max_new_tokens": 900, "alternatives": 100}),
    ("generate/stream", {"max_new_tokens": 900, "alternatives": 100}),
]


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed")


@pytest.mark.parametrize(("path", "body"), TOO_MUCH)
def test_what_would_be_too_large_is_refused_before_anything_is_computed(
    one_mb: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    monkeypatch.setattr("lm_debugger.engine.gate.Gate.__enter__", refuse)
    monkeypatch.setattr("lm_debugger.engine.gate.Gate.together", refuse)
    reply = one_mb.post(f"/api/v1/{path}", json={"prompt": WORDS, **body})
    error = reply.json["error"]
    assert (reply.status_code, error["code"]) == (422, "answer_too_large")
    details = error["details"]
    assert (details["limit"], details["maximum"]) == ("max_reply_mb", 1)
    assert details["megabytes"] > 1
    assert "at most 1 MB" in error["message"]
    assert "max_reply_mb" in error["message"]


@pytest.mark.parametrize(
    "path",
    [
        "values/0/0?top_k=9999",
        "values/0/0/neighbours?n=9999",
        "search/keywords?q=nurse&n=9999",
        "search/concepts?q=nurse&n=9999",
        "clusters/0?n=9999",
    ],
)
def test_so_are_lists(one_mb: FlaskClient, path: str) -> None:
    reply = one_mb.get(f"/api/v1/{path}")
    assert reply.json["error"]["details"]["limit"] == "max_reply_mb", reply.text[:300]


def test_the_default_is_32_mb_for_servers_and_none_for_programs(client: FlaskClient) -> None:
    table = {row["name"]: row for row in client.get("/api/v1/settings").json["settings"]}
    assert table["max_reply_mb"]["default"] == 32
    assert LIMITS.max_reply_mb is None
    limits = client.get("/api/v1/settings").json["limits"]
    assert limits["max_reply_mb"] == table["max_reply_mb"]["value"] == 32
    body = {"model": "demo", "prompt": PROMPT, "top_k": 200, "interventions": [OFF]}
    assert client.post("/api/v1/trace", json=body).status_code == 200
