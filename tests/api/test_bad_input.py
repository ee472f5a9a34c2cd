"""Nothing that a client sends gives a 500, passes for a success, or breaks a later request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import PROMPT

ROUTES = ("/api/v1/trace", "/api/v1/generate", "/api/v1/generate/stream")


def edit(**changes: Any) -> dict[str, Any]:
    return {"interventions": [{"layer": 0, "dim": 0, "kind": "set", "value": 1.0, **changes}]}


def named(node: Any, **more: Any) -> dict[str, Any]:
    return {"interventions": [{"node": node, "kind": "off", **more}]}


FIELDS: list[tuple[dict[str, Any], int, str, str]] = [
    # what is sent beside a good prompt; status, code, words that the sentence must hold
    ({"prompt": ""}, 422, "empty_prompt", "prompt is empty"),
    ({"prompt": "a " * 400}, 422, "prompt_too_long", "64"),
    ({"prompt": "a" * 50_001}, 422, "prompt_too_long", "50000"),
    ({"prompt": 7}, 422, "invalid_input", "prompt must be a string"),
    ({"prompt": None}, 422, "invalid_input", "prompt must be a string"),
    ({"prompt": ["a"]}, 422, "invalid_input", "prompt must be a string"),
    ({"prompt": "\ud800"}, 400, "broken_json", "surrogate"),
    ({"prompt": "\udfff b"}, 400, "broken_json", "surrogate"),
    ({"model": "gpt5"}, 404, "unknown_model", "demo"),
    ({"model": 5}, 422, "invalid_input", "model must be a string"),
    ({"promt": "a"}, 422, "invalid_input", "did you mean prompt"),
    ({"interventions": None}, 422, "invalid_input", "interventions must be a list"),
    ({"interventions": {}}, 422, "invalid_input", "interventions must be a list"),
    ({"interventions": ["L0D0"]}, 422, "invalid_input", "interventions[0] must be a JSON object"),
    ({"interventions": [{}]}, 422, "invalid_input", "interventions[0].kind is missing"),
    ({"interventions": [{"kind": "off"}]}, 422, "invalid_intervention", "a layer and a dim"),
    ({"interventions": [{"kind": "off", "dim": 3}]}, 422, "invalid_intervention", "or a layer and"),
    (named("L0H3"), 422, "invalid_intervention", "'L0H3' does not name a value vector"),
    (named("L0D3@1"), 422, "invalid_intervention", "'L0D3@1' does not name a value vector"),
    (named(""), 422, "invalid_intervention", "'' does not name a value vector"),
    (named("L2D3"), 422, "unknown_layer", "There is no layer 2: this model has layers 0 to 1."),
    (named("L1D40"), 422, "unknown_dimension", "0 to 39"),
    (named(3), 422, "invalid_input", "interventions[0].node must be a string, not 3"),
    (named("L0D3", dim=4), 422, "invalid_intervention", "the node alone is enough"),
    (edit(layer=2), 422, "unknown_layer", "0 to 1"),
    (edit(layer=-1), 422, "unknown_layer", "0 to 1"),
    (edit(layer=2**70), 422, "unknown_layer", "0 to 1"),
    (edit(dim=40), 422, "unknown_dimension", "0 to 39"),
    (edit(dim=-1), 422, "unknown_dimension", "0 to 39"),
    (edit(dim=2**70), 422, "unknown_dimension", "0 to 39"),
    (edit(layer=True), 422, "invalid_input", "interventions[0].layer must be an integer, not true"),
    (edit(layer=1.5), 422, "invalid_input", "interventions[0].layer must be an integer, not 1.5"),
    (edit(layer=1.0), 422, "invalid_input", "interventions[0].layer must be an integer, not 1.0"),
    (edit(layer="1"), 422, "invalid_input", 'interventions[0].layer must be an integer, not "1"'),
    (edit(layer=None), 422, "invalid_intervention", "a layer and a dim"),
    (edit(kind="maximise"), 422, "invalid_input", "'on', 'off', 'set', 'scale' or 'add'"),
    (edit(kind="on"), 422, "invalid_intervention", "takes no value"),
    (edit(value=None), 422, "invalid_intervention", "needs a number"),
    (edit(value="3"), 422, "invalid_input", "interventions[0].value must be a number"),
    (edit(value=True), 422, "invalid_input", "interventions[0].value must be a number"),
    (edit(value=float("nan")), 422, "invalid_input", "interventions[0].value must be a finite"),
    (edit(value=float("inf")), 422, "invalid_input", "interventions[0].value must be a finite"),
    (edit(value=float("-inf")), 422, "invalid_input", "interventions[0].value must be a finite"),
    (edit(value=1e300), 422, "non_finite_result", "L0D0: the intervention's value is too large"),
    (edit(value=3e38), 422, "non_finite_result", "smaller"),
    (edit(positions="first"), 422, "invalid_input", '"all", "last" or a list'),
    (edit(positions=[0, 1.5]), 422, "invalid_input", '"all", "last" or a list'),
    (edit(positions=[]), 422, "invalid_position", "non-empty"),
    (edit(positions=[99]), 422, "invalid_position", "99"),
    (edit(positions=[2**70]), 422, "invalid_position", "positions"),
    (edit(generated="yes"), 422, "invalid_input", "interventions[0].generated must be true or"),
    (edit(colour="red"), 422, "invalid_input", "interventions[0].colour is not known"),
    (edit(knid="set"), 422, "invalid_input", "did you mean kind"),
    ({"interventions": edit()["interventions"] * 257}, 422, "too_many_interventions", "256"),
]

TRACE_ONLY: list[tuple[dict[str, Any], int, str, str]] = [
    ({"top_k": 0}, 422, "out_of_range", "1 to 200"),
    ({"top_k": -3}, 422, "out_of_range", "1 to 200"),
    ({"top_k": 201}, 422, "out_of_range", "1 to 200"),
    ({"top_k": 2**70}, 422, "out_of_range", "1 to 200"),
    ({"top_k": True}, 422, "invalid_input", "top_k must be an integer, not true"),
    ({"top_k": 2.5}, 422, "invalid_input", "top_k must be an integer, not 2.5"),
    ({"top_k": "5"}, 422, "invalid_input", "top_k must be an integer"),
    ({"positions": []}, 422, "invalid_position", "non-empty"),
    ({"positions": [64]}, 422, "invalid_position", "64"),
    ({"positions": [True]}, 422, "invalid_input", '"all", "last" or a list'),
    ({"positions": "middle"}, 422, "invalid_input", '"all", "last" or a list'),
]

GENERATE_ONLY: list[tuple[dict[str, Any], int, str, str]] = [
    ({"max_new_tokens": 0}, 422, "out_of_range", "1 to 256"),
    ({"max_new_tokens": 257}, 422, "out_of_range", "1 to 256"),
    ({"max_new_tokens": 2**70}, 422, "out_of_range", "1 to 256"),
    ({"max_new_tokens": 1.5}, 422, "invalid_input", "max_new_tokens must be an integer"),
    ({"alternatives": 0}, 422, "out_of_range", "1 to 200"),
    ({"alternatives": 2**70}, 422, "out_of_range", "1 to 200"),
    ({"sampling": {"temperature": -1.0}}, 422, "out_of_range", "temperature"),
    ({"sampling": {"temperature": float("nan")}}, 422, "invalid_input", "finite"),
    ({"sampling": {"temperature": "hot"}}, 422, "invalid_input", "sampling.temperature must be a"),
    ({"sampling": {"top_p": 0}}, 422, "out_of_range", "top_p"),
    ({"sampling": {"top_p": 1.01}}, 422, "out_of_range", "top_p"),
    ({"sampling": {"seed": 2**70}}, 422, "out_of_range", "seed"),
    ({"sampling": {"seed": -1}}, 422, "out_of_range", "seed"),
    ({"sampling": {"temprature": 1}}, 422, "invalid_input", "did you mean temperature"),
    ({"sampling": 1}, 422, "invalid_input", "sampling must be a JSON object"),
]

GOOD = json.dumps({"prompt": PROMPT}).encode()

BODIES: list[tuple[bytes, int, str, str]] = [
    (b"", 400, "broken_json", "empty"),
    (b"{", 400, "broken_json", "not valid JSON"),
    (b"{'prompt': 'a'}", 400, "broken_json", "not valid JSON"),
    (GOOD + b"x", 400, "broken_json", "not valid JSON"),
    (b'{"prompt": "\xff\xfe"}', 400, "broken_json", "not valid JSON"),
    (b'{"prompt": "\xed\xa0\x80"}', 400, "broken_json", "not valid JSON"),
    (b'{"prompt": "\\ud83d"}', 400, "broken_json", "surrogate"),
    ('{"prompt": "a"}'.encode("utf-16"), 400, "broken_json", "not valid JSON"),
    (b"null", 422, "invalid_input", "must be a JSON object"),
    (b"[]", 422, "invalid_input", "must be a JSON object"),
    (b'"prompt"', 422, "invalid_input", "must be a JSON object"),
    (b"3", 422, "invalid_input", "must be a JSON object"),
    (b"{}", 422, "invalid_input", "prompt is missing"),
    *(
        (b'{"prompt": "a", "interventions": [{"layer": 0, "dim": 0, "kind": "set", "value": '
         + number + b"}]}", 422, "invalid_input", "finite")
        for number in (b"NaN", b"1e999", b"-1e999", b"Infinity", b"-Infinity")
    ),
    (b'{"prompt": "a", "interventions": [{"layer": ' + b"9" * 5000 + b', "dim": 0, "kind": "on"}]}',
     400, "broken_json", "number out of range"),
    (b'{"prompt": ' + b'{"a":' * 100_000, 400, "broken_json", "recursion"),
    (b'{"prompt": "a", "interventions": ' + b"[" * 100_000, 400, "broken_json", "recursion"),
    (b'{"prompt": "a", "interventions": ' + b"[" * 100 + b"]" * 100 + b"}",
     422, "invalid_input", "interventions[0] must be a JSON object"),
    (b'{"prompt": "' + b"a" * 1_000_001 + b'"}', 413, "body_too_large", "1000000"),
]  # fmt: skip


def assert_refused(
    client: FlaskClient, path: str, body: bytes, expected: tuple[int, str, str]
) -> None:
    status, code, words = expected
    response = client.post(path, data=body, content_type="application/json")
    assert response.mimetype == "application/json"
    assert set(response.json) == {"error"}
    error = response.json["error"]
    assert set(error) == {"code", "message", "details", "request_id"}
    assert (response.status_code, error["code"]) == (status, code), error
    assert words in error["message"]
    assert error["message"].endswith(".")
    assert len(error["message"]) < 1000
    assert error["request_id"] == response.headers["X-Request-Id"]
    after = client.post("/api/v1/trace", json={"prompt": PROMPT, "top_k": 1})
    assert after.status_code == 200


def case_id(value: object) -> str | None:
    if isinstance(value, dict | bytes):
        return str(value)[:60].encode("ascii", "backslashreplace").decode()
    return None


GOOD_EDIT = {"layer": 1, "dim": 3, "kind": "off"}


@pytest.mark.parametrize("path", ["trace", "grid", "generate", "generate/stream"])
@pytest.mark.parametrize(
    ("bad", "id"),
    [
        (edit(layer=9, dim=1), "L9D1"),
        (edit(dim=40), "L0D40"),
        (edit(positions=[99]), "L0D0"),
        (edit(positions=[]), "L0D0"),
        (edit(value=None), "L0D0"),
        (edit(kind="off"), "L0D0"),
        (edit(value=1e300), "L0D0"),
        (edit(layer="1"), None),
        (edit(colour="red"), None),
        (named("L9D1"), "L9D1"),
        (named("l0d040"), "L0D40"),
        (named("L9H1"), None),
        (named(3), None),
    ],
    ids=case_id,
)
def test_a_refused_intervention_is_named(
    client: FlaskClient, path: str, bad: dict[str, Any], id: str | None
) -> None:
    """By its place in the list, and by its vector where layer and dimension can be read at all."""
    edits = [GOOD_EDIT, *bad["interventions"], {**GOOD_EDIT, "dim": 4}]
    reply = client.post(f"/api/v1/{path}", json={"prompt": PROMPT, "interventions": edits})
    assert reply.status_code == 422
    details = reply.json["error"]["details"]
    assert (details["intervention"], details.get("id")) == (1, id), reply.json


def test_of_two_on_one_vector_the_one_that_is_too_large_is_named(client: FlaskClient) -> None:
    large, small = edit(value=1e300)["interventions"][0], edit(value=1.0)["interventions"][0]

    def refused(*edits: dict[str, Any]) -> dict[str, Any]:
        reply = client.post("/api/v1/trace", json={"prompt": PROMPT, "interventions": edits})
        assert (reply.status_code, reply.json["error"]["code"]) == (422, "non_finite_result")
        details: dict[str, Any] = reply.json["error"]["details"]
        return details

    assert refused(large, {**small, "positions": "last"})["intervention"] == 0
    assert refused({**small, "positions": "last"}, GOOD_EDIT, large)["intervention"] == 2
    overwritten = {"prompt": PROMPT, "interventions": [large, small]}
    assert client.post("/api/v1/trace", json=overwritten).status_code == 200  # rule 11


def test_where_the_numbers_overflow_is_told_by_layer(client: FlaskClient) -> None:
    body = {"prompt": PROMPT, "interventions": edit(layer=1, value=3e38)["interventions"]}
    for path in ("trace", "grid", "generate"):
        error = client.post(f"/api/v1/{path}", json=body).json["error"]
        assert (error["code"], error["details"]) == ("non_finite_result", {"layer": 1}), path


def test_what_is_wrong_in_one_and_elsewhere_names_none(client: FlaskClient) -> None:
    wrong = edit(layer="1")["interventions"]
    body = {"prompt": PROMPT, "promt": "a", "interventions": wrong}
    error = client.post("/api/v1/trace", json=body).json["error"]
    assert set(error["details"]["fields"]) == {"promt", "interventions[0].layer"}
    assert "intervention" not in error["details"]


def test_of_several_that_are_wrong_the_first_is_told(client: FlaskClient) -> None:
    """A list is read up to the first: see test_costs."""
    body = {"prompt": PROMPT, "interventions": [GOOD_EDIT, *edit(layer="1")["interventions"] * 9]}
    error = client.post("/api/v1/trace", json=body).json["error"]
    assert set(error["details"]["fields"]) == {"interventions[1].layer"}
    assert error["details"]["intervention"] == 1


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(("changes", "status", "code", "words"), FIELDS, ids=case_id)
def test_fields(
    client: FlaskClient, path: str, changes: dict[str, Any], status: int, code: str, words: str
) -> None:
    if path.endswith("stream") and changes == edit(value=3e38):
        path = "/api/v1/generate"  # in a stream it is an event: see test_generate
    body = json.dumps({"prompt": PROMPT, **changes}).encode()
    assert_refused(client, path, body, (status, code, words))


@pytest.mark.parametrize(("changes", "status", "code", "words"), TRACE_ONLY, ids=case_id)
def test_trace_fields(
    client: FlaskClient, changes: dict[str, Any], status: int, code: str, words: str
) -> None:
    body = json.dumps({"prompt": PROMPT, **changes}).encode()
    assert_refused(client, "/api/v1/trace", body, (status, code, words))


@pytest.mark.parametrize("path", ROUTES[1:])
@pytest.mark.parametrize(("changes", "status", "code", "words"), GENERATE_ONLY, ids=case_id)
def test_generate_fields(
    client: FlaskClient, path: str, changes: dict[str, Any], status: int, code: str, words: str
) -> None:
    body = json.dumps({"prompt": PROMPT, **changes}).encode()
    assert_refused(client, path, body, (status, code, words))


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(("body", "status", "code", "words"), BODIES, ids=case_id)
def test_bodies(
    client: FlaskClient, path: str, body: bytes, status: int, code: str, words: str
) -> None:
    assert_refused(client, path, body, (status, code, words))


@pytest.mark.parametrize(("body", "status", "code", "words"), BODIES, ids=case_id)
def test_bodies_of_lm_debuggers_route(
    client: FlaskClient, body: bytes, status: int, code: str, words: str
) -> None:
    """The same readers stand behind it; its bodies have no `kind` and `value`, its failures are
    sentences."""
    body = body.replace(b'"kind": "set", "value"', b'"coeff"').replace(b'"kind": "on"', b'"c": 0')
    response = client.post("/get_data", data=body, content_type="application/json")
    assert (response.status_code, response.mimetype) == (status, "text/plain")
    assert words in response.text


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_content_types(client: FlaskClient, path: str, content_type: str | None) -> None:
    response = client.post(path, data=GOOD, content_type=content_type)
    assert (response.status_code, response.json["error"]["code"]) == (415, "unsupported_media_type")
    assert "application/json" in response.json["error"]["message"]


def test_only_the_first_few_of_many_problems_are_told(client: FlaskClient) -> None:
    body = {"prompt": PROMPT, **dict.fromkeys((f"key{n}" for n in range(100)), 0)}
    error = client.post("/api/v1/trace", json=body).json["error"]
    assert error["code"] == "invalid_input"
    assert list(error["details"]["fields"]) == sorted(body)[:5]  # in the order that they are sent
    assert error["message"].endswith("; and more.")
