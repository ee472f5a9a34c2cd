"""POST /api/v1/trace gives transformers' own numbers, on both served models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import PROMPT
from tests.api.plain import Plain
from tests.compare import assert_same
from tests.reference import Oracle, assert_ranked


def trace(client: FlaskClient, **body: Any) -> dict[str, Any]:
    response = client.post("/api/v1/trace", json={"prompt": PROMPT, **body})
    assert response.status_code == 200, response.text
    reply: dict[str, Any] = response.json
    return reply


def assert_prediction(run: dict[str, Any], plain: Plain, k: int) -> None:
    """The last layer's "after" is the model's own next-token distribution (rule 4)."""
    top = run["positions"][-1]["layers"][-1]["after"]["top"]
    expected = plain.top(PROMPT, k)
    assert [item["id"] for item in top] == [id for id, _ in expected]
    assert [item["prob"] for item in top] == pytest.approx([p for _, p in expected], rel=1e-5)
    assert [item["text"] for item in top] == [plain.text(id) for id, _ in expected]


def test_prediction_and_tokens(client: FlaskClient, plain: Plain, random_folder: Path) -> None:
    reply = trace(client, top_k=7)
    assert reply["model"] == str(random_folder)
    assert [token["id"] for token in reply["tokens"]] == plain.ids(PROMPT)[0].tolist()
    assert reply["edited"] is None
    assert reply["interventions"] == []
    assert len(reply["unedited"]["positions"][0]["layers"]) == plain.model.config.n_layer
    assert_prediction(reply["unedited"], plain, 7)


def test_sub_updates_are_the_largest_scores(client: FlaskClient, plain: Plain) -> None:
    layers = trace(client)["unedited"]["positions"][0]["layers"]
    expected, dims = plain.scores(PROMPT).topk(10)
    for layer in layers:
        at = layer["layer"]
        assert [item["dim"] for item in layer["sub_updates"]] == dims[at].tolist()
        scores = [item["score"] for item in layer["sub_updates"]]
        assert scores == pytest.approx(expected[at].tolist(), rel=1e-5)


def test_second_model_by_name(client: FlaskClient, demo: Plain) -> None:
    reply = trace(client, model="demo", top_k=5)
    assert reply["model"] == "demo"
    assert_prediction(reply["unedited"], demo, 5)


def test_suppressing_equals_a_copy_without_the_vector(client: FlaskClient, plain: Plain) -> None:
    dim = int(plain.scores(PROMPT)[1].argmax())
    reply = trace(client, interventions=[{"layer": 1, "dim": dim, "kind": "off"}])
    assert_prediction(reply["unedited"], plain, 10)
    assert_prediction(reply["edited"], plain.suppressed(1, dim), 10)
    [applied] = reply["interventions"]
    assert (applied["layer"], applied["dim"], applied["kind"]) == (1, dim, "off")
    assert applied["generated"] is True
    assert applied["edited_coefficient"] == 0.0
    norm = float(plain.value(1, dim).norm())
    score = float(plain.scores(PROMPT)[1, dim])
    assert abs(applied["unedited_coefficient"]) * norm == pytest.approx(score, rel=1e-5)


def test_boosting_follows_rule_9(client: FlaskClient, plain: Plain) -> None:
    reply = trace(client, interventions=[{"layer": 1, "dim": 27, "kind": "on"}])
    assert_prediction(reply["edited"], plain.boosted(1, 27, PROMPT), 10)
    c = float(plain.scores(PROMPT)[1].max()) + 0.01
    assert reply["interventions"][0]["pre_activation"] == pytest.approx(c, rel=1e-5)


def test_positions(client: FlaskClient, plain: Plain, random_folder: Path) -> None:
    """Each with the numbers of that position, in every layer."""
    oracle, ids = Oracle(random_folder), plain.ids(PROMPT)[0].tolist()
    states, n = oracle.run(ids), len(ids)
    for asked, expected in (("all", [*range(n)]), ("last", [n - 1]), ([-1, 0, 2], [0, 2, n - 1])):
        reply = trace(client, positions=asked)
        assert reply["positions"] == expected
        positions = reply["unedited"]["positions"]
        assert [at["position"] for at in positions] == expected
        for at in positions:
            t = at["position"]
            assert len(at["layers"]) == oracle.n_layer
            for layer in at["layers"]:
                l = layer["layer"]
                for half, x in (("before", states.before[l, t]), ("after", states.after[l, t])):
                    top = [(item["id"], item["prob"]) for item in layer[half]["top"]]
                    assert_ranked(top, oracle.lens(x), 10)
                updates = [(item["dim"], item["score"]) for item in layer["sub_updates"]]
                assert_ranked(updates, oracle.scores(states.m[l, t], l), 10)


def test_a_trace_leaves_nothing_behind(forgetful: FlaskClient) -> None:
    before = trace(forgetful)
    trace(forgetful, interventions=[{"layer": 0, "dim": 3, "kind": "set", "value": 50.0}])
    assert_same(trace(forgetful), before, rtol=2e-5)
