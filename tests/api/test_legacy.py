"""LM-Debugger's routes, word for word: what its own client sends and what it reads."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import PROMPT
from tests.api.plain import Plain


def get_data(client: FlaskClient, interventions: list[dict[str, Any]]) -> dict[str, Any]:
    body = {"prompt": PROMPT, "interventions": interventions}
    response = client.post("/get_data", json=body, headers={"Accept": "application/json"})
    assert response.status_code == 200, response.text
    reply: dict[str, Any] = response.json
    return reply


def assert_prediction(response: dict[str, Any], plain: Plain) -> None:
    last = response["layers"][-1]["predictions_after"]
    expected = plain.top(PROMPT, 10)
    assert [item["token"] for item in last] == [plain.text(id) for id, _ in expected]
    assert [item["score"] for item in last] == pytest.approx([p for _, p in expected], rel=1e-5)


def test_get_projections_gives_fifty_raw_pieces(client: FlaskClient, plain: Plain) -> None:
    reply = client.get("/get_projections/layer/1/dim/27").json
    assert list(reply) == ["layer", "dim", "top_k"]
    assert (reply["layer"], reply["dim"]) == (1, 27)
    expected = plain.logits_of_value(1, 27).topk(50)
    pieces = plain.tokenizer.convert_ids_to_tokens(expected.indices.tolist())
    assert [item["token"] for item in reply["top_k"]] == pieces
    got = [item["logit"] for item in reply["top_k"]]
    assert got == pytest.approx(expected.values.tolist(), rel=1e-5)
    assert all(list(item) == ["token", "logit"] for item in reply["top_k"])


def test_get_data_without_interventions(client: FlaskClient, plain: Plain) -> None:
    reply = get_data(client, [])
    assert list(reply) == ["response"]
    response = reply["response"]
    assert list(response) == ["prompt", "layers"]
    assert response["prompt"] == PROMPT
    assert_prediction(response, plain)
    scores, dims = plain.scores(PROMPT).topk(10)
    for index, layer in enumerate(response["layers"]):
        assert list(layer) == [
            "layer",
            "predictions_before",
            "predictions_after",
            "significant_values",
        ]
        assert len(layer["predictions_before"]) == 10
        assert [v["layer"] for v in layer["significant_values"]] == [index] * 10
        assert [v["dim"] for v in layer["significant_values"]] == dims[index].tolist()
        got = [v["score"] for v in layer["significant_values"]]
        assert got == pytest.approx(scores[index].tolist(), rel=1e-5)


@pytest.mark.parametrize("coeff", [1, 0.5, 1e-9])
def test_positive_coeff_is_on(client: FlaskClient, plain: Plain, coeff: float) -> None:
    sent = {"layer": 1, "dim": 27, "coeff": coeff, "desc": "months", "another": [1]}
    reply = get_data(client, [sent])
    assert list(reply) == ["response", "intervention"]
    assert_prediction(reply["response"], plain)
    assert_prediction(reply["intervention"], plain.boosted(1, 27, PROMPT))


@pytest.mark.parametrize("coeff", [0, 0.0, -1, -0.5])
def test_any_other_coeff_is_off(client: FlaskClient, plain: Plain, coeff: float) -> None:
    dim = int(plain.scores(PROMPT)[1].argmax())
    reply = get_data(client, [{"layer": 1, "dim": dim, "coeff": coeff}])
    assert_prediction(reply["intervention"], plain.suppressed(1, dim))


def test_the_last_of_two_wins(client: FlaskClient, plain: Plain) -> None:
    on, off = ({"layer": 1, "dim": 27, "coeff": coeff} for coeff in (1, 0))
    assert_prediction(get_data(client, [on, off])["intervention"], plain.suppressed(1, 27))
    boosted = plain.boosted(1, 27, PROMPT)
    assert_prediction(get_data(client, [off, on])["intervention"], boosted)


def test_generate(client: FlaskClient, plain: Plain) -> None:
    dim = int(plain.scores(PROMPT)[1].argmax())
    edit = {"layer": 1, "dim": dim, "coeff": 0, "desc": "x"}
    unedited, edited = plain.greedy(PROMPT, 12), plain.suppressed(1, dim).greedy(PROMPT, 12)
    assert unedited != edited, "the edit must matter for this test to mean much"
    for interventions, text in (([], unedited), ([edit], edited)):
        body = {"prompt": PROMPT, "generate_k": 12, "interventions": interventions}
        expected = {"generate_text": text}
        assert client.post("/generate", json=body).json == expected


def test_unknown_keys_are_ignored(client: FlaskClient) -> None:
    body = {"prompt": PROMPT, "generate_k": 2, "interventions": [], "extra": {"a": 1}}
    assert client.post("/generate", json=body).status_code == 200
    assert client.post("/get_data", json=body).status_code == 200
