"""Settings, examples, version."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError

import lm_debugger
from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.schemas import ExamplesReply
from lm_debugger.settings import Settings
from lm_debugger.settings_table import table


def test_version(client: FlaskClient) -> None:
    reply = client.get("/version").json
    assert (reply["version"], reply["api"]) == (lm_debugger.__version__, "v1")


def test_settings_are_the_table_with_values(registry: ModelRegistry) -> None:
    settings = Settings(max_top_k=60, cors_origins=["http://a.example"], port=9000)
    reply = create_app(settings, registry).test_client().get("/api/v1/settings").json
    rows = {row["name"]: row for row in reply["settings"]}
    assert list(rows) == [row.name for row in table()]
    assert rows["max_top_k"]["value"] == 60
    assert rows["max_top_k"]["default"] == 200
    assert rows["cors_origins"]["value"] == ["http://a.example"]
    assert rows["port"]["environment"] == "LM_DEBUGGER_PORT"
    assert rows["port"]["flag"] == "--port"
    assert reply["limits"]["max_top_k"] == 60
    assert reply["limits"]["max_new_tokens"] == 256


def test_limits_are_enforced_as_told(registry: ModelRegistry) -> None:
    settings = Settings(max_prompt_chars=20)
    client = create_app(settings, registry).test_client()
    assert client.get("/api/v1/settings").json["limits"]["max_prompt_chars"] == 20
    assert client.post("/api/v1/trace", json={"prompt": "a" * 20}).status_code == 200
    response = client.post("/api/v1/trace", json={"prompt": "a" * 21})
    assert (response.status_code, response.json["error"]["code"]) == (422, "prompt_too_long")
    assert response.json["error"]["details"] == {
        "characters": 21,
        "allowed": 20,
        "limit": "max_prompt_chars",
    }


REFERENCE_PROMPTS = [
    "It was the first time that two",
    "Toward the end of the video, they sit on a",
    "the weather is going to be",
    "My wife is working as a",
]


def test_examples_begin_with_those_of_lm_debugger(client: FlaskClient) -> None:
    examples = client.get("/api/v1/examples").json["examples"]
    assert [item["prompt"] for item in examples[:4]] == REFERENCE_PROMPTS
    assert len({item["id"] for item in examples}) == len(examples) >= 7


def test_every_example_traces_on_the_bundled_model(client: FlaskClient) -> None:
    for example in client.get("/api/v1/examples").json["examples"]:
        body = {
            "model": "demo",
            "prompt": example["prompt"],
            "interventions": [
                {"layer": item["layer"], "dim": item["dim"], "kind": item["kind"],
                 **({} if item["value"] is None else {"value": item["value"]})}
                for item in example["interventions"]
            ],
        }  # fmt: skip
        assert client.post("/api/v1/trace", json=body).status_code == 200, example["id"]


def test_a_malformed_example_is_refused() -> None:
    text = (resources.files("lm_debugger") / "examples.json").read_text(encoding="utf-8")
    for damage in ({"promt": "a"}, {"interventions": [{"layer": 1}]}):
        examples = json.loads(text)
        examples["examples"][0].update(damage)
        with pytest.raises(ValidationError):
            ExamplesReply.model_validate(examples)
