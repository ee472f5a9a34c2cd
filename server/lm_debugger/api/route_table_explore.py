"""The routes of Explore; see `route_table`."""

from __future__ import annotations

from lm_debugger.api import exploring, places, queries
from lm_debugger.api.route_types import GET_ERRORS, POST_ERRORS, UNCHANGING_ERRORS, Route
from lm_debugger.api.schemas import IndexAction

EXPLORE: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/index",
        "readIndex",
        "exploring",
        "How far the index of a model is",
        "The index is built in the background; views fill as layers finish.",
        query=queries.Query,
        reply=exploring.IndexReply,
        errors=GET_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/index",
        "changeIndex",
        "exploring",
        "Start or cancel building the index",
        "Starting goes on where a build was cancelled, and does nothing where one is running.",
        body=IndexAction,
        example={"action": "start"},
        reply=exploring.IndexReply,
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
        query=queries.KeywordQuery,
        reply=exploring.KeywordReply,
        errors=GET_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/search/concepts",
        "searchConcepts",
        "exploring",
        "Value vectors that promote some words and demote others",
        "All vectors ranked by the exact mean logit of the promoted words minus that of the "
        "demoted ones, over the full vocabulary. Needs no index.",
        query=queries.ConceptQuery,
        reply=exploring.ConceptReply,
        errors=GET_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}/neighbours",
        "readNeighbours",
        "exploring",
        "The value vectors nearest to one by cosine, or most opposed to it",
        query=queries.NeighbourQuery,
        reply=exploring.NeighboursReply,
        errors=UNCHANGING_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}/place",
        "readPlace",
        "exploring",
        "Where a value vector stands: its norm's rank, its cluster",
        query=queries.PlaceQuery,
        reply=places.PlaceReply,
        errors=GET_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/clusters",
        "listClusters",
        "exploring",
        "All clusters of value vectors",
        query=queries.Query,
        reply=places.ClustersReply,
        errors=UNCHANGING_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/clusters/{cluster}",
        "readCluster",
        "exploring",
        "One cluster: its tokens and members",
        "Ten random members come first, the same ones for the same seed; then the rest in order.",
        query=queries.ClusterQuery,
        reply=places.ClusterReply,
        errors=UNCHANGING_ERRORS,
    ),
)
