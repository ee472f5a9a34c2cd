"""Explore: the index, keyword and concept search, neighbours, clusters."""

from __future__ import annotations

from flask import Blueprint, Response

from lm_debugger.api import exploring, parse, places, queries
from lm_debugger.api.replies import json_reply, unchanging
from lm_debugger.api.schemas import IndexAction
from lm_debugger.api.state import computing, state
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import NotWhenHosted

blueprint = Blueprint("explore", __name__, url_prefix="/api/v1")


@blueprint.get("/index")
def read_index() -> Response:
    asked = parse.parameters(queries.Query)
    return json_reply(exploring.IndexReply.of(*state().indexed(asked.model)))


@blueprint.post("/index")
def change_index() -> Response:
    asked = parse.body(IndexAction)
    debugger, index = state().indexed(asked.model)
    if asked.action == "start":
        index.start()
    elif state().settings.hosted:
        raise NotWhenHosted("On a hosted server the index is built without being asked.")
    else:
        index.cancel()
    return json_reply(exploring.IndexReply.of(debugger, index))


@blueprint.get("/search/keywords")
def search_keywords() -> Response:
    asked = parse.parameters(queries.KeywordQuery)
    debugger, index = state().indexed(asked.model)
    debugger.model.check_vectors(asked.n, exploring.TOKENS_OF_A_HIT + exploring.TOKENS_MATCHED)
    with computing():
        found = index.keywords(asked.q, asked.n)
        return json_reply(exploring.KeywordReply.of(debugger, index, found))


@blueprint.get("/search/concepts")
def search_concepts() -> Response:
    asked = parse.parameters(queries.ConceptQuery)
    debugger, index = state().indexed(asked.model)
    debugger.model.check_vectors(asked.n, exploring.TOKENS_OF_A_HIT)
    last = debugger.info.n_layers - 1
    layers = (
        0 if asked.first_layer is None else asked.first_layer,
        last if asked.last_layer is None else asked.last_layer,
    )
    with computing():
        words = index.concepts.words(asked.q)
        found = index.concepts.search(words, asked.n, normalised=asked.normalised, layers=layers)
        return json_reply(exploring.ConceptReply.of(debugger, index, words, found))


@blueprint.get("/values/<layer>/<dim>/neighbours")
def neighbours(layer: str, dim: str) -> Response:
    asked = parse.parameters(queries.NeighbourQuery, layer=layer, dim=dim)
    debugger, index = state().indexed(asked.model)
    at = ValueId(asked.layer, asked.dim)
    debugger.check(at)
    debugger.model.check_vectors(asked.n, exploring.TOKENS_OF_A_HIT)
    with computing():
        found = index.concepts.neighbours(at, asked.n, opposite=asked.opposite)
        return unchanging(exploring.NeighboursReply.of(debugger, index, at, found))


@blueprint.get("/values/<layer>/<dim>/place")
def place(layer: str, dim: str) -> Response:
    asked = parse.parameters(queries.PlaceQuery, layer=layer, dim=dim)
    debugger, index = state().indexed(asked.model)
    at = ValueId(asked.layer, asked.dim)
    debugger.check(at)
    return json_reply(places.PlaceReply.of(debugger, index, at))


@blueprint.get("/clusters")
def clusters() -> Response:
    asked = parse.parameters(queries.Query)
    return unchanging(places.ClustersReply.of(*state().indexed(asked.model)))


@blueprint.get("/clusters/<cluster>")
def cluster(cluster: str) -> Response:
    asked = parse.parameters(queries.ClusterQuery, cluster=cluster)
    debugger, index = state().indexed(asked.model)
    debugger.model.check_vectors(asked.n, places.TOKENS_OF_A_MEMBER)
    with computing():
        members = index.members(asked.cluster, asked.seed)
        shown = members[asked.offset : asked.offset + asked.n]
        return unchanging(
            places.ClusterReply.of(
                debugger, index, asked.cluster, shown, offset=asked.offset, seed=asked.seed
            )
        )
