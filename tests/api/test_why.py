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


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
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
