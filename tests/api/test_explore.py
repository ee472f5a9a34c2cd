"""Explore over HTTP: what the routes say against the brute-force oracle, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.settings import Settings
from tests.reference import assert_ranked, ranked
from tests.reference_index import Library, cloud, concept, cosines
from tests.until import PATIENCE


@pytest.fixture(scope="module")
def library(random_folder: Path) -> Library:
    return Library(random_folder)


@pytest.fixture(scope="module")
def explore_app(settings: Settings, registry: ModelRegistry) -> Flask:
    assert registry.loaded()[1].build().state == "ready"
    return create_app(settings, registry)


@pytest.fixture
def explorer(explore_app: Flask) -> FlaskClient:
    return explore_app.test_client()


def get(client: FlaskClient, path: str, **query: Any) -> Any:
    response = client.get(f"/api/v1/{path}", query_string=query)
    assert response.status_code == 200, response.json
    return response.json


def at(hit: dict[str, Any]) -> tuple[int, int]:
    return hit["layer"], hit["dim"]


def test_the_index_says_how_far_it_is(explorer: FlaskClient) -> None:
    reply = get(explorer, "index")
    assert reply["state"] == "ready"
    assert (reply["layers_ready"], reply["n_layers"], reply["n_clusters"]) == (2, 2, 9)


@pytest.fixture
def unbuilt(tmp_path: Path) -> Iterator[FlaskClient]:
    """A server whose index nobody has asked for: other tests do so of the shared one."""
    settings = Settings(models=["demo"], cache_dir=tmp_path)
    registry = ModelRegistry(settings.models, loader(settings), indexer(settings))
    registry.start()
    registry.wait()
    yield create_app(settings, registry).test_client()
    registry.close()


def test_building_is_started_over_http_and_can_be_asked_about(unbuilt: FlaskClient) -> None:
    debugger, index = unbuilt.application.extensions["lm_debugger"].registry.loaded("demo")
    assert get(unbuilt, "index", model="demo")["state"] == "waiting"
    early = unbuilt.get("/api/v1/search/keywords", query_string={"q": "king", "model": "demo"})
    assert (early.status_code, early.json["error"]["code"]) == (503, "index_not_ready")
    assert int(early.headers["Retry-After"]) > 0
    with debugger.gate:  # a build lets requests go first, so it cannot be done before we cancel
        for action in ("start", "cancel"):
            reply = unbuilt.post("/api/v1/index", json={"model": "demo", "action": action})
            assert reply.status_code == 200
    index.join(PATIENCE)
    assert get(unbuilt, "index", model="demo")["state"] == "cancelled"
    unknown = unbuilt.post("/api/v1/index", json={"model": "demo", "action": "explode"})
    assert unknown.status_code == 422


def test_strangers_may_not_stop_the_index(explorer: FlaskClient) -> None:
    """Of a server that is open to everybody; to start it again does no harm."""
    registry = explorer.application.extensions["lm_debugger"].registry
    client = create_app(Settings(hosted=True), registry).test_client()
    refused = client.post("/api/v1/index", json={"action": "cancel"})
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "not_when_hosted")
    assert client.post("/api/v1/index", json={"action": "start"}).status_code == 200


def test_keywords_with_tokens_and_matches(explorer: FlaskClient, library: Library) -> None:
    vector = library.vectors[7]
    word = next(w.strip() for w in library.words(vector) if w.strip().isalpha() and w.isascii())
    reply = get(explorer, "search/keywords", q=word.upper(), n=200)
    forms = {word, f" {word}", f"\n{word}"}
    matching = {v for v in library.vectors if forms & set(library.words(v))}
    assert reply["total"] == len(matching)
    assert {at(hit) for hit in reply["hits"]} == matching
    for hit in reply["hits"]:
        top = library.top[at(hit)]
        assert [token["id"] for token in hit["tokens"]] == top[:10]
        for match in hit["matched"]:
            assert match["id"] == top[match["rank"]]
            assert match["text"].lower() in forms
            expected = library.logits[at(hit)][match["id"]]
            assert match["logit"] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_concepts(explorer: FlaskClient, library: Library) -> None:
    reply = get(explorer, "search/concepts", q="music, -school", n=5)
    promote, demote = ([token["id"] for token in word["tokens"]] for word in reply["words"])
    truth = concept(library, [promote], [demote])
    expected = [library.vectors[number] for number in ranked(truth, 5)]
    assert [at(hit) for hit in reply["hits"]] == expected
    assert [word["demoted"] for word in reply["words"]] == [False, True]
    only = get(explorer, "search/concepts", q="music", first_layer=1)["hits"]
    assert {hit["layer"] for hit in only} == {1}


def test_neighbours(explorer: FlaskClient, library: Library) -> None:
    matrix = cosines(library)
    np.fill_diagonal(matrix, -np.inf)
    number = library.vectors.index((1, 3))
    hits = get(explorer, "values/1/3/neighbours", n=4)["hits"]
    assert [at(hit) for hit in hits] == [library.vectors[i] for i in ranked(matrix[number], 4)]
    np.fill_diagonal(matrix, np.inf)
    hits = get(explorer, "values/1/3/neighbours", n=4, opposite="true")["hits"]
    assert [at(hit) for hit in hits] == [library.vectors[i] for i in ranked(-matrix[number], 4)]


def test_clusters_map_page_and_place_agree(explorer: FlaskClient) -> None:
    listed = get(explorer, "clusters")["clusters"]
    assert [item["id"] for item in listed] == list(range(9))
    assert sum(item["size"] for item in listed) == 80
    biggest = max(listed, key=lambda item: item["size"])
    page = get(explorer, f"clusters/{biggest['id']}", n=200)
    assert len(page["members"]) == page["size"] == biggest["size"]
    assert page["layers"] == biggest["layers"]
    assert [t["id"] for t in page["tokens"][:5]] == [t["id"] for t in biggest["label"]]
    second = get(explorer, f"clusters/{biggest['id']}", n=5, offset=3)
    assert second["members"] == page["members"][3:8]
    for member in page["members"][:3]:
        place = get(explorer, f"values/{member['layer']}/{member['dim']}/place")
        assert (place["cluster"], place["cluster_size"]) == (biggest["id"], biggest["size"])
        assert place["n_vectors"] == 80


def test_a_clusters_cloud_and_members_are_the_oracles(
    explorer: FlaskClient, library: Library
) -> None:
    """Rule 18: sums within the members' lists of 50; up to ten members with their twenty best."""
    everything = range(library.oracle.unembedding.shape[0])
    for cluster in get(explorer, "clusters")["clusters"]:
        everybody = get(explorer, f"clusters/{cluster['id']}", n=200)["members"]
        page = get(explorer, f"clusters/{cluster['id']}")
        assert page["size"] == len(everybody)
        assert page["members"] == everybody[:10]
        weights = cloud(library, [at(member) for member in everybody])
        truth = np.array([weights.get(token, -np.inf) for token in everything])
        assert_ranked([(t["id"], t["logit"]) for t in page["tokens"]], truth, 30, atol=1e-4)
        for member in page["members"]:
            logits = library.logits[at(member)]
            best = [(t["id"], float(logits[t["id"]])) for t in member["tokens"]]
            assert len(best) == 20
            assert [logit for _, logit in best] == pytest.approx(
                [logits[i] for i in ranked(logits, 20)], abs=1e-5
            )


@pytest.fixture
def without_clusters(random_folder: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    own = Settings(models=[str(random_folder)], cache_dir=tmp_path, n_clusters=0)
    registry = ModelRegistry(own.models, loader(own), indexer(own))
    registry.start()
    registry.wait()
    assert registry.loaded()[1].build().state == "ready"
    yield create_app(own, registry).test_client()
    registry.close()


def test_without_clusters_everything_else_is_there(without_clusters: FlaskClient) -> None:
    reply = get(without_clusters, "index")
    assert (reply["state"], reply["layers_ready"], reply["n_clusters"]) == ("ready", 2, 0)
    place = get(without_clusters, "values/0/1/place")
    assert place["cluster"] is place["cluster_size"] is None
    for path in ("clusters", "clusters/0"):
        response = without_clusters.get(f"/api/v1/{path}")
        assert (response.status_code, response.json["error"]["code"]) == (404, "no_clusters")
        assert "n_clusters is 0" in response.json["error"]["message"]


def test_what_cannot_change_carries_an_etag(explorer: FlaskClient) -> None:
    for path in ("clusters", "clusters/0", "values/0/1/neighbours"):
        first = explorer.get(f"/api/v1/{path}")
        again = explorer.get(f"/api/v1/{path}", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("search/keywords", {}, 422, "q is missing"),
        ("search/keywords", {"q": " , "}, 422, "at least one keyword"),
        ("search/keywords", {"q": "a", "n": 201}, 422, "200"),
        ("search/keywords", {"q": "a", "m": 2}, 422, "not known"),
        ("search/concepts", {"q": "-"}, 200, ""),
        ("search/concepts", {"q": ""}, 422, "at least one word"),
        ("search/concepts", {"q": "music", "last_layer": 2}, 404, "0 to 1"),
        ("search/concepts", {"q": "music", "first_layer": 1, "last_layer": 0}, 404, "0 to 1"),
        ("values/2/0/neighbours", {}, 404, "0 to 1"),
        ("values/0/40/place", {}, 404, "0 to 39"),
        ("values/0/x/place", {}, 422, "integer"),
        ("clusters/9", {}, 404, "0 to 8"),
        ("clusters", {"model": "gpt5"}, 404, "No model"),
    ],
)
def test_bad_input_is_named(
    explorer: FlaskClient, path: str, query: dict[str, Any], status: int, says: str
) -> None:
    response = explorer.get(f"/api/v1/{path}", query_string=query)
    assert response.status_code == status, response.json
    if status != 200:
        assert says in response.json["error"]["message"]


def test_a_full_disk_stops_the_index_and_nothing_else(random_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    broken = Settings(models=[str(random_folder)], cache_dir=tmp_path / "file")
    registry = ModelRegistry(broken.models, loader(broken), indexer(broken))
    registry.start()
    registry.wait()
    client = create_app(broken, registry).test_client()
    registry.loaded()[1].start()
    registry.loaded()[1].join(PATIENCE)
    reply = get(client, "index")
    assert reply["state"] == "failed"
    assert "--cache-dir" in reply["error"]
    assert get(client, "search/concepts", q="music")["hits"]
    assert client.post("/api/v1/trace", json={"prompt": "Still here"}).status_code == 200
