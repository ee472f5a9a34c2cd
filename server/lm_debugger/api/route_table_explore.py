"""The routes of Explore; see `route_table`."""

from __future__ import annotations

from lm_debugger.api import schemas_explore as explore
from lm_debugger.api.route_types import DIM, LAYER, MODEL, POST_ERRORS, Param, Route

_N = {"type": "integer", "minimum": 1}


def _flag(name: str, description: str) -> Param:
    return Param(name, "query", {"type": "boolean", "default": False}, description)


def _number(name: str, description: str, **schema: int) -> Param:
    return Param(name, "query", {"type": "integer", "minimum": 0, **schema}, description)


EXPLORE: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/index",
        "readIndex",
        "exploring",
        "How far the index of a model is",
        "The index is built in the background; views fill as layers finish.",
        params=(MODEL,),
        reply=explore.IndexReply,
        errors=(404, 422, 503),
    ),
    Route(
        "POST",
        "/api/v1/index",
        "changeIndex",
        "exploring",
        "Start or cancel building the index",
        "Starting goes on where a build was cancelled, and does nothing where one is running.",
        body=explore.IndexAction,
        example={"action": "start"},
        reply=explore.IndexReply,
        errors=POST_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/search/keywords",
        "searchKeywords",
        "exploring",
        "Value vectors that promote keywords",
        "BM25 over the 50 promoted tokens of every vector (rule 17), as far as the index is built. "
        "Upper and lower case are the same; several keywords are combined with OR.",
        params=(
            Param(
                "q",
                "query",
                {"type": "string", "example": "music, song"},
                "keywords, separated by commas",
                required=True,
            ),
            Param("n", "query", {**_N, "default": 5}, "results"),
            MODEL,
        ),
        reply=explore.KeywordReply,
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/search/concepts",
        "searchConcepts",
        "exploring",
        "Value vectors that promote some words and demote others",
        "All vectors ranked by the exact mean logit of the promoted words minus that of the "
        "demoted ones, over the full vocabulary. Needs no index.",
        params=(
            Param(
                "q",
                "query",
                {"type": "string", "example": "music, song, -school"},
                "words, separated by commas; a minus before those to demote",
                required=True,
            ),
            Param("n", "query", {**_N, "default": 20}, "results"),
            _flag("normalised", "divide by the vector's norm"),
            _number("first_layer", "first layer to search"),
            _number("last_layer", "last layer to search"),
            MODEL,
        ),
        reply=explore.ConceptReply,
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}/neighbours",
        "readNeighbours",
        "exploring",
        "The value vectors nearest to one by cosine, or most opposed to it",
        params=(
            LAYER,
            DIM,
            Param("n", "query", {**_N, "default": 10}, "results"),
            _flag("opposite", "what opposes the vector instead"),
            MODEL,
        ),
        reply=explore.NeighboursReply,
        errors=(304, 404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}/place",
        "readPlace",
        "exploring",
        "Where a value vector stands: its norm's rank, its cluster",
        params=(LAYER, DIM, MODEL),
        reply=explore.PlaceReply,
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/clusters",
        "listClusters",
        "exploring",
        "All clusters of value vectors",
        params=(MODEL,),
        reply=explore.ClustersReply,
        errors=(304, 404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/clusters/{cluster}",
        "readCluster",
        "exploring",
        "One cluster: its tokens and members",
        "Ten random members come first, the same ones for the same seed; then the rest in order.",
        params=(
            Param("cluster", "path", {"type": "integer", "minimum": 0}, "number of the cluster"),
            _number("seed", "which ten come first", maximum=2**31, default=0),
            _number("offset", "members to skip", default=0),
            Param("n", "query", {**_N, "default": 10}, "members to list"),
            MODEL,
        ),
        reply=explore.ClusterReply,
        errors=(304, 404, 422, 503),
    ),
)
