"""Value vectors by name: read in place of layer and dimension, and told beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.openapi import document
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.index import ModelIndex, stages
from lm_debugger.runs.files import read
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.index.further import Lengths
from tests.until import PATIENCE

BY_NUMBERS: list[dict[str, Any]] = [
    {"layer": 0, "dim": 3, "kind": "set", "value": 2.5, "positions": [0, -1]},
    {"layer": 1, "dim": 12, "kind": "on"},
    {"layer": 1, "dim": 2, "kind": "scale", "value": -1.0, "generated": False},
]
NAMES = (["L0D3", "L1D12", "L1D2"], ["l0d3", " L1d12", "\tL001D02\n"])
ASKED: dict[str, dict[str, Any]] = {
    "trace": {"positions": "all"},
    "grid": {},
    "follow": {"tokens": [7]},
    "attribute": {"token": 7},
    "sub_updates": {"layer": 0, "token": 7},
    "generate": {},
    "generate/stream": {},
}


def by_name(names: list[str], **more: Any) -> list[dict[str, Any]]:
    """The same interventions, named."""
    edits = zip(names, BY_NUMBERS, strict=True)
    kept = ("kind", "value", "positions", "generated")
    return [{"node": name, **{k: e[k] for k in kept if k in e}, **more} for name, e in edits]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("path", ASKED)
def test_interventions_may_be_named(client: FlaskClient, path: str, names: list[str]) -> None:
    def answered(edits: list[dict[str, Any]]) -> bytes:
        body = {"prompt": PROMPT, "interventions": edits, **ASKED[path]}
        reply = client.post(f"/api/v1/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.data

    expected = answered(BY_NUMBERS)
    assert answered(by_name(names)) == expected
    assert answered(by_name(names, layer=None, dim=None)) == expected
    both = [{"node": name, **edit} for name, edit in zip(names, BY_NUMBERS, strict=True)]
    assert answered(both) == expected
    assert answered([]) != expected


def test_what_a_trace_applied_can_be_sent_again(client: FlaskClient) -> None:
    body = {"prompt": PROMPT, "interventions": BY_NUMBERS}
    first = client.post("/api/v1/trace", json=body).json
    kept = ("node", "kind", "value", "positions", "generated")
    again = [{key: each[key] for key in kept} for each in first["interventions"]]
    body["interventions"] = again
    assert client.post("/api/v1/trace", json=body).json == first


def test_runs_may_name_them(client: FlaskClient, tmp_path: Path) -> None:
    run: dict[str, Any] = {"format": "lm-debugger-run", "version": 1, "model": "demo",
                           "prompt": PROMPT, "interventions": BY_NUMBERS}  # fmt: skip
    path = tmp_path / "run.json"

    def opened(edits: list[dict[str, Any]]) -> Any:
        path.write_text(json.dumps({**run, "interventions": edits}), "utf-8")
        return read(path).checked_interventions()

    assert opened(by_name(NAMES[1])) == opened(BY_NUMBERS)

    def program(edits: list[dict[str, Any]], form: str) -> str:
        body = {"form": form, "run": {**run, "interventions": edits}}
        reply = client.post("/api/v1/code", json=body)
        assert reply.status_code == 200, reply.text
        code: str = reply.json["code"]
        return code

    for form in ("lm_debugger", "transformers"):
        assert program(by_name(NAMES[1]), form) == program(BY_NUMBERS, form)


# --- told ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(settings: Settings, registry: ModelRegistry) -> Flask:
    assert registry.loaded()[1].build().state == "ready"
    return create_app(settings, registry)


def vectors(reply: Any) -> Iterator[dict[str, Any]]:
    """Whatever has a dimension."""
    if isinstance(reply, list):
        for each in reply:
            yield from vectors(each)
    elif isinstance(reply, dict):
        if "dim" in reply:
            yield reply
        for each in reply.values():
            yield from vectors(each)


TOLD = {
    "trace": {"interventions": BY_NUMBERS},
    "attribute": {"token": 7},
    "sub_updates": {"layer": 1},
    "values/1/12": None,
    "values/1/12/neighbours": None,
    "values/1/12/place": None,
    "search/keywords": {"q": "the, a, of, man"},
    "search/concepts": {"q": "man"},
    "clusters/0": None,
    "examples": None,
}


@pytest.mark.parametrize("path", TOLD)
def test_whatever_has_a_dimension_has_a_name(built: Flask, path: str) -> None:
    asked: Any = TOLD[path]
    client = built.test_client()
    if path in ASKED:
        reply = client.post(f"/api/v1/{path}", json={"prompt": PROMPT, **asked})
    else:
        reply = client.get(f"/api/v1/{path}", query_string=asked)
    assert reply.status_code == 200, reply.text
    found = list(vectors(reply.json))
    assert found
    assert [each.get("node") for each in found] == [f"L{v['layer']}D{v['dim']}" for v in found]


# --- how far the index is ------------------------------------------------------------------------


def test_a_further_stage_is_told_by_its_name(
    random_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between and within steps, too."""

    class Third(Lengths):
        name = "a third one"

    monkeypatch.setattr(stages, "STAGES", (*stages.STAGES, Third))
    own = Settings(models=[str(random_folder)], cache_dir=tmp_path, n_clusters=3)
    registry = ModelRegistry(own.models, loader(own), indexer(own))
    registry.start()
    registry.wait()
    index: ModelIndex = registry.loaded()[1]
    client = create_app(own, registry).test_client()
    told: list[dict[str, Any]] = []

    def ask(progress: object) -> None:
        reply = client.get("/api/v1/index")
        assert reply.status_code == 200, reply.text
        told.append(reply.json)

    index.start(ask)
    index.join(PATIENCE)
    registry.close()
    assert list(dict.fromkeys(each["stage"] for each in told)) == [
        "projections", "clusters", "a third one",
    ]  # fmt: skip
    assert (told[-1]["state"], told[-1]["done"], told[-1]["total"]) == ("ready", 2, 2)
    assert {each["within"] for each in told} == {0.0}
    properties = document()["components"]["schemas"]["IndexReply"]["properties"]
    described = {name: properties[name]["type"] for name in ("stage", "within")}
    assert described == {"stage": "string", "within": "number"}
    assert "enum" not in properties["stage"]


def test_part_of_a_step_is_told(built: Flask, registry: ModelRegistry) -> None:
    index = registry.loaded()[1]
    before = index.progress
    try:
        for within in (0.0, 0.25):
            index.progress = type(before)("building", "clusters", 3, 10, 4.5, None, within)
            reply = built.test_client().get("/api/v1/index").json
            assert (reply["within"], reply["done"], reply["seconds_left"]) == (within, 3, 4.5)
    finally:
        index.progress = before
