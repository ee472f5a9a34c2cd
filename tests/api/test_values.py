"""GET /api/v1/values/<layer>/<dim> (rule 7)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.api.plain import Plain


def test_both_ends_of_the_product(client: FlaskClient, plain: Plain) -> None:
    reply = client.get("/api/v1/values/1/27?top_k=20").json
    logits = plain.logits_of_value(1, 27)
    for end, expected in (
        ("promoted", logits.topk(20)),
        ("suppressed", logits.topk(20, largest=False)),
    ):
        assert [item["id"] for item in reply[end]] == expected.indices.tolist()
        got = [item["logit"] for item in reply[end]]
        assert got == pytest.approx(expected.values.tolist(), rel=1e-5)
        pieces = plain.tokenizer.convert_ids_to_tokens(expected.indices.tolist())
        assert [item["piece"] for item in reply[end]] == pieces
    assert reply["norm"] == pytest.approx(float(plain.value(1, 27).norm()), rel=1e-5)


def test_fifty_by_default(client: FlaskClient) -> None:
    reply = client.get("/api/v1/values/0/0").json
    assert (len(reply["promoted"]), len(reply["suppressed"])) == (50, 50)


def test_other_model_by_name(client: FlaskClient, demo: Plain) -> None:
    reply = client.get("/api/v1/values/0/7?model=demo&top_k=3").json
    assert reply["model"] == "demo"
    expected = demo.logits_of_value(0, 7).topk(3).indices.tolist()
    assert [item["id"] for item in reply["promoted"]] == expected


def test_etag_answers_304_and_differs_between_values(client: FlaskClient) -> None:
    first = client.get("/api/v1/values/1/27")
    tag = first.headers["ETag"]
    again = client.get("/api/v1/values/1/27", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/api/v1/values/1/28", headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert "no-cache" in first.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("address", "status", "code", "words"),
    [
        ("2/0", 404, "unknown_layer", "0 to 1"),
        ("-1/0", 404, "unknown_layer", "0 to 1"),
        ("0/40", 404, "unknown_dimension", "0 to 39"),
        (f"{2**70}/0", 404, "unknown_layer", "0 to 1"),
        (f"{'9' * 5000}/0", 422, "invalid_input", "layer"),
        ("x/0", 422, "invalid_input", "integer"),
        ("0/1.5", 422, "invalid_input", "integer"),
        ("0/0?top_k=0", 422, "out_of_range", "1 to 200"),
        ("0/0?top_k=201", 422, "out_of_range", "1 to 200"),
        ("0/0?top_k=ten", 422, "invalid_input", "top_k"),
        ("0/0?topk=3", 422, "invalid_input", "did you mean top_k"),
        ("0/0?top_k=3&top_k=4", 422, "invalid_input", "more than once"),
        ("0/0?layer=3", 422, "invalid_input", "more than once"),
        ("0/0?model=other", 404, "unknown_model", "demo"),
    ],
)
def test_bad_addresses(
    client: FlaskClient, address: str, status: int, code: str, words: str
) -> None:
    response = client.get(f"/api/v1/values/{address}")
    assert (response.status_code, response.json["error"]["code"]) == (status, code)
    assert words in response.json["error"]["message"]
