"""The wire of Explore: the index, searches, clusters."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lm_debugger.api.schemas import Reply, TokenLogitOut, TokenOut
from lm_debugger.json_input import Request


class Query(BaseModel):
    """Path and query parameters; they arrive as text, so "7" is a number and "true" a truth
    value."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="default: the first model served")


class KeywordQuery(Query):
    q: str = Field(description="keywords, separated by commas")
    n: int = Field(5, description="results")


class ConceptQuery(Query):
    q: str = Field(description="words, separated by commas; a minus before those to demote")
    n: int = Field(20, description="results")
    normalised: bool = Field(False, description="divide by the vector's norm")
    first_layer: int | None = Field(None, description="default: 0")
    last_layer: int | None = Field(None, description="default: the last layer")


class NeighbourQuery(Query):
    layer: int = Field(description="0-based layer")
    dim: int = Field(description="0-based dimension")
    n: int = Field(10, description="results")
    opposite: bool = Field(False, description="what opposes the vector instead")


class PlaceQuery(Query):
    layer: int = Field(description="0-based layer")
    dim: int = Field(description="0-based dimension")


class ClusterQuery(Query):
    cluster: int = Field(description="number of the cluster")
    seed: int = Field(0, ge=0, le=2**31, description="which ten members come first")
    offset: int = Field(0, ge=0, description="members to skip")
    n: int = Field(10, description="members to list")


class IndexAction(Request):
    model: str | None = Field(None, description="default: the first model served")
    action: Literal["start", "cancel"] = Field(
        description="start: build what is missing; cancel: stop, what is finished stays"
    )


class IndexReply(Reply):
    """How far the index of a model is."""

    model: str
    state: Literal["waiting", "building", "ready", "cancelled", "failed"]
    stage: Literal["projections", "clusters"]
    done: int = Field(description="layers, or iterations of the clustering")
    total: int
    seconds_left: float | None = Field(description="estimate for the stage")
    error: str | None
    layers_ready: int = Field(description="layers that keyword search covers")
    n_layers: int
    n_clusters: int | None = Field(
        description="null until the clusters are there; 0: none are built (the setting n_clusters)"
    )


class HitOut(Reply):
    """A found value vector with the tokens that it promotes most: ten, of a cluster's member
    twenty."""

    layer: int
    dim: int
    score: float
    tokens: list[TokenOut]


class MatchOut(TokenOut):
    rank: int = Field(description="place among the vector's 50 promoted tokens, from 0")
    logit: float


class KeywordHitOut(HitOut):
    matched: list[MatchOut]


class KeywordReply(Reply):
    model: str
    hits: list[KeywordHitOut]
    total: int = Field(description="vectors that match")
    partial: list[str] = Field(
        description="keywords of several tokens that no vector lists completely; vectors with some "
        "of their tokens were taken"
    )
    layers_ready: int
    n_layers: int


class WordOut(Reply):
    text: str
    demoted: bool
    tokens: list[TokenOut] = Field(description="the tokens whose mean logit stands for the word")


class ConceptReply(Reply):
    model: str
    words: list[WordOut]
    hits: list[HitOut]


class NeighboursReply(Reply):
    model: str
    layer: int
    dim: int
    hits: list[HitOut] = Field(description="score: cosine")


class PlaceReply(Reply):
    """Where a value vector stands among all of its model."""

    model: str
    layer: int
    dim: int
    norm: float
    norm_rank: int = Field(description="1: the largest norm")
    n_vectors: int
    cluster: int | None = Field(description="null until the clusters are there, or without any")
    cluster_size: int | None


class ClusterSummary(Reply):
    id: int
    size: int
    label: list[TokenOut] = Field(description="the first five tokens of its cloud")
    layers: list[int] = Field(description="members in each layer")
    cohesion: float = Field(description="mean cosine of the members with the centre")


class ClustersReply(Reply):
    model: str
    clusters: list[ClusterSummary]


class ClusterReply(Reply):
    model: str
    id: int
    size: int
    layers: list[int]
    cohesion: float
    tokens: list[TokenLogitOut] = Field(
        description="its cloud; logit: summed over the members that have the token among the 50 "
        "that they promote most"
    )
    members: list[HitOut] = Field(description="score: cosine with the centre")
    offset: int
    seed: int
