"""Following, attribution and comparison over HTTP: the engine's numbers, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from tests.api.conftest import PROMPT
from tests.reference import Edit, Oracle
from tests.reference_index import Library

EDIT = {"layer": 1, "dim": 2, "kind": "set", "value": 3.0}


@pytest.fixture(scope="module")
def library(random_folder: Path) -> Library:
    return Library(random_folder)


def ids(library: Library) -> list[int]:
    encoded: list[int] = library.tokenizer.encode(PROMPT).ids
    return encoded


def edited_run(library: Library) -> Any:
    edit: Edit = {"layer": 1, "dim": 2, "kind": "set", "value": 3.0}
    return library.oracle.run(ids(library), [edit])


def post(client: FlaskClient, path: str, **body: Any) -> Any:
    response = client.post(f"/api/v1/{path}", json={"prompt": PROMPT, **body})
    assert response.status_code == 200, response.json
    return response.json


def test_follow(client: FlaskClient, library: Library) -> None:
    reply = post(client, "follow", tokens=[7, 400], interventions=[EDIT])
    oracle: Oracle = library.oracle
    for side, run in (("unedited", oracle.run(ids(library))), ("edited", edited_run(library))):
        states = np.stack((run.before[:, -1], run.after[:, -1]), axis=1)
        probs = oracle.lens(states.reshape(-1, states.shape[-1]))
        for item, token in zip(reply[side], (7, 400), strict=True):
            assert item["token"]["id"] == token
            assert item["probs"] == pytest.approx(probs[:, token], rel=1e-5)
    assert post(client, "follow", tokens=[7])["edited"] is None


def test_attribute_adds_up_to_the_difference_of_logits(
    client: FlaskClient, library: Library
) -> None:
    reply = post(client, "attribute", token=7, against=400, interventions=[EDIT], top_k=3)
    logits = library.oracle.logits(edited_run(library).after[-1, -1])
    parts = reply["base"] + reply["start"] + sum(reply["attention"]) + sum(reply["ffn"])
    assert reply["total"] == pytest.approx(logits[7] - logits[400], abs=1e-4)
    assert parts == pytest.approx(reply["total"], abs=1e-4)
    assert len(reply["sub_updates"]) == 3


def test_comparison(client: FlaskClient, library: Library) -> None:
    reply = post(client, "trace", interventions=[EDIT], top_k=4)
    last = reply["comparison"][0]["layers"][-1]["after"]
    p = library.oracle.lens(library.oracle.run(ids(library)).after[-1, -1])
    q = library.oracle.lens(edited_run(library).after[-1, -1])
    assert last["kl"] == pytest.approx(float((q * np.log(q / p)).sum()), rel=1e-3)
    for token in last["tokens"]:
        assert token["unedited"] == pytest.approx(p[token["id"]], rel=1e-5)
        assert token["edited"] == pytest.approx(q[token["id"]], rel=1e-5)
    assert post(client, "trace")["comparison"] is None


def test_grid(client: FlaskClient, library: Library) -> None:
    reply = post(client, "grid", interventions=[EDIT], positions=[0, -1])
    oracle = library.oracle
    last = len(ids(library)) - 1
    assert reply["positions"] == [0, last]
    assert [token["id"] for token in reply["tokens"]] == ids(library)
    words = {token["id"]: token["text"] for token in reply["vocabulary"]}
    distributions = []
    for side, run in (("unedited", oracle.run(ids(library))), ("edited", edited_run(library))):
        p = oracle.lens(run.after[-1, last])
        distributions.append(p)
        best = int(p.argmax())
        assert reply[side]["tokens"][-1][1] == best
        assert reply[side]["probs"][-1][1] == pytest.approx(p[best], rel=1e-5)
        entropy = -(p * np.log(p)).sum()
        assert reply[side]["entropies"][-1][1] == pytest.approx(entropy, rel=1e-5)
        assert best in words
    p, q = distributions
    assert reply["kl"][-1][1] == pytest.approx(float((q * np.log(q / p)).sum()), rel=1e-3)
    alone = post(client, "grid")
    assert alone["edited"] is None
    assert alone["kl"] is None
    assert alone["positions"] == [*range(last + 1)]


def test_sub_updates_of_a_layer(client: FlaskClient, library: Library) -> None:
    body = {"layer": 1, "interventions": [EDIT], "top_k": 5, "n_tokens": 2}
    reply = post(client, "sub_updates", **body)
    m = edited_run(library).m[1, -1]
    scores = library.oracle.scores(m, 1)
    order = np.argsort(-scores)[:5].tolist()
    assert [item["dim"] for item in reply["sub_updates"]] == order
    assert reply["n_sub_updates"] == len(m)
    assert reply["position"] == len(ids(library)) - 1
    assert reply["token"] is None
    first = reply["sub_updates"][0]
    assert first["effect"] is None
    assert first["score"] == pytest.approx(scores[order[0]], rel=1e-5)
    push = library.oracle.unembedding @ (m[order[0]] * library.oracle.values(1)[order[0]])
    assert [token["id"] for token in first["up"]] == np.argsort(-push)[:2].tolist()
    assert [token["id"] for token in first["down"]] == np.argsort(push)[:2].tolist()
    whole = post(client, "attribute", token=7, against=400, interventions=[EDIT], top_k=200)
    amounts = {(u["layer"], u["dim"]): u["amount"] for u in whole["sub_updates"]}
    ranked = post(client, "sub_updates", token=7, against=400, sort="effect", **body)
    assert ranked["token"]["id"] == 7
    assert ranked["against"]["id"] == 400
    for item in ranked["sub_updates"]:
        assert item["effect"] == pytest.approx(amounts[1, item["dim"]], rel=1e-3, abs=1e-5)


def test_tokens_by_text(client: FlaskClient, library: Library) -> None:
    reply = client.get("/api/v1/tokens?q=the&n=2").json
    known = [library.tokenizer.token_to_id("Ġthe"), library.tokenizer.token_to_id("the")]
    assert [token["id"] for token in reply["tokens"]] == known
    assert client.get("/api/v1/tokens?q=zzzzzzz").json["tokens"] == []
    for query in ("", "?q=a&n=0", "?q=a&q=b", "?q=a&n=x"):
        assert client.get("/api/v1/tokens" + query).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("grid", {"positions": [99]}, "positions are"),
        ("grid", {"positions": "some"}, "positions"),
        ("sub_updates", {"layer": 99}, "no layer 99"),
        ("sub_updates", {"layer": 0, "sort": "effect"}, "Name the token"),
        ("sub_updates", {"layer": 0, "sort": "size"}, "sort"),
        ("sub_updates", {"layer": 0, "token": 9999}, "0 to 8191"),
        ("sub_updates", {}, "layer is missing"),
        ("follow", {"tokens": []}, "number of tokens"),
        ("follow", {"tokens": [8192]}, "0 to 8191"),
        ("follow", {"tokens": [1], "position": 99}, "positions are"),
        ("follow", {"tokens": ["a"]}, "integer"),
        ("attribute", {"token": -1}, "0 to 8191"),
        ("attribute", {"token": 1, "against": 1.5}, "integer"),
        ("attribute", {"token": 1, "top_k": 0}, "top_k"),
        ("attribute", {}, "token is missing"),
    ],
)
def test_bad_input(client: FlaskClient, path: str, body: dict[str, Any], says: str) -> None:
    response = client.post(f"/api/v1/{path}", json={"prompt": PROMPT, **body})
    assert response.status_code == 422
    assert says in response.json["error"]["message"]
