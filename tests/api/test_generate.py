"""POST /api/v1/generate and its stream give transformers' own continuation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from lm_debugger.engine.generation import GenerationStream
from lm_debugger.errors import NonFiniteResult
from tests.api.conftest import PROMPT
from tests.api.plain import Plain
from tests.compare import assert_same


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Read server-sent events: each an `event:` and a `data:` line, then an empty one."""
    found = []
    for block in text.strip().split("\n\n"):
        kind, data = block.split("\n")
        found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_greedy_text_and_probabilities(client: FlaskClient, plain: Plain) -> None:
    reply = client.post("/api/v1/generate", json={"prompt": PROMPT, "max_new_tokens": 12}).json
    assert reply["text"] == plain.greedy(PROMPT, 12)
    assert reply["finish_reason"] == "length"
    assert len(reply["steps"]) == 12
    [(id, prob)] = plain.top(PROMPT, 1)
    assert reply["steps"][0]["token"]["id"] == id
    assert reply["steps"][0]["prob"] == pytest.approx(prob, rel=1e-5)
    assert len(reply["steps"][0]["alternatives"]) == 5


def test_interventions_hold_while_generating(client: FlaskClient, plain: Plain) -> None:
    dim = int(plain.scores(PROMPT)[1].argmax())
    body = {
        "prompt": PROMPT,
        "max_new_tokens": 12,
        "interventions": [{"layer": 1, "dim": dim, "kind": "off"}],
    }
    expected = plain.suppressed(1, dim).greedy(PROMPT, 12)
    assert expected != plain.greedy(PROMPT, 12), "the edit must matter for this test to mean much"
    assert client.post("/api/v1/generate", json=body).json["text"] == expected


def test_sampling_is_reproducible_by_seed(client: FlaskClient) -> None:
    def sampled(seed: int) -> str:
        sampling = {"temperature": 1.5, "top_p": 0.95, "seed": seed}
        body = {"prompt": PROMPT, "max_new_tokens": 20, "sampling": sampling}
        return str(client.post("/api/v1/generate", json=body).json["text"])

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


def test_stream_says_what_the_plain_reply_says(
    client: FlaskClient, plain: Plain, random_folder: Path
) -> None:
    body = {"prompt": PROMPT, "max_new_tokens": 6}
    whole = client.post("/api/v1/generate", json=body).json
    response = client.post("/api/v1/generate/stream", json=body)
    assert response.mimetype == "text/event-stream"
    kinds, data = zip(*events(response.text), strict=True)
    assert kinds == ("start", *["step"] * 6, "end")
    assert data[0]["model"] == str(random_folder)
    assert [token["id"] for token in data[0]["tokens"]] == plain.ids(PROMPT)[0].tolist()
    assert_same(list(data[1:-1]), whole["steps"], rtol=2e-5)
    assert data[-1] == {"text": plain.greedy(PROMPT, 6), "finish_reason": "length"}


def test_stream_is_checked_before_it_starts(client: FlaskClient) -> None:
    body = {"prompt": PROMPT, "interventions": [{"layer": 99, "dim": 0, "kind": "off"}]}
    response = client.post("/api/v1/generate/stream", json=body)
    assert response.status_code == 422
    assert response.json["error"]["code"] == "unknown_layer"


@pytest.mark.parametrize(
    ("failure", "code"),
    [(NonFiniteResult("Too large."), "non_finite_result"), (ZeroDivisionError(), "internal_error")],
)
def test_failure_on_the_way_is_an_event(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, failure: Exception, code: str
) -> None:
    step = GenerationStream.__next__

    def fails_at_third(stream: GenerationStream) -> Any:
        if len(stream.result.steps) == 2:
            raise failure
        return step(stream)

    monkeypatch.setattr(GenerationStream, "__next__", fails_at_third)
    body = {"prompt": PROMPT, "max_new_tokens": 6}
    response = client.post("/api/v1/generate/stream", json=body)
    kinds, data = zip(*events(response.text), strict=True)
    assert kinds == ("start", "step", "step", "error")
    assert data[-1]["error"]["code"] == code
    assert data[-1]["error"]["request_id"] == response.headers["X-Request-Id"]
    assert "Traceback" not in response.text
