"""What Explore answers about places: where a value vector stands, and the clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from lm_debugger.api.exploring import Hit, ReadAs, hits
from lm_debugger.engine.nodes import NodeName
from lm_debugger.engine.readings import OF_WRITES
from lm_debugger.engine.tokens import Token, TokenLogit
from lm_debugger.errors import IndexNotReady, NoClusters

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.engine.types import ValueId
    from lm_debugger.index import ModelIndex
    from lm_debugger.index.concepts import ScoredValue

TOKENS_OF_A_MEMBER = 20
"""Of a cluster (rule 18)."""
TOKENS_OF_A_LABEL = 5


@dataclass(frozen=True, slots=True)
class PlaceReply:
    """Where a value vector stands among all of its model."""

    model: str
    layer: int
    dim: int
    node: NodeName
    norm: float
    norm_rank: Annotated[int, "1: the largest norm"]
    n_vectors: int
    cluster: Annotated[int | None, "null until the clusters are there, or without any"]
    cluster_size: int | None

    @classmethod
    def of(cls, debugger: Debugger, index: ModelIndex, at: ValueId) -> PlaceReply:
        """As far as the index is."""
        try:
            cluster = index.cluster_of(at)
        except (IndexNotReady, NoClusters):
            cluster = None
        return cls(
            model=debugger.info.id,
            layer=at.layer,
            dim=at.dim,
            node=str(at),
            norm=index.norm(at),
            norm_rank=index.norm_rank(at),
            n_vectors=index.n_vectors,
            cluster=cluster,
            cluster_size=None if cluster is None else index.summary(cluster).size,
        )


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """One cluster, as it is listed."""

    id: int
    size: int
    label: Annotated[tuple[Token, ...], "the first five tokens of its cloud"]
    layers: Annotated[tuple[int, ...], "members in each layer"]
    cohesion: Annotated[float, "mean cosine of the members with the centre"]


@dataclass(frozen=True, slots=True)
class ClustersReply:
    """All clusters."""

    model: str
    clusters: tuple[ClusterSummary, ...]
    reading: ReadAs = OF_WRITES

    @classmethod
    def of(cls, debugger: Debugger, index: ModelIndex) -> ClustersReply:
        """Raises IndexNotReady, NoClusters."""
        known = map(index.summary, range(len(index.clusters.centres)))
        found = tuple(
            ClusterSummary(
                each.id,
                each.size,
                debugger.model.tokens(each.token_ids[:TOKENS_OF_A_LABEL]),
                each.layers,
                each.cohesion,
            )
            for each in known
        )
        return cls(debugger.info.id, found)


@dataclass(frozen=True, slots=True)
class ClusterReply:
    """One cluster: its tokens and some of its members."""

    model: str
    id: int
    size: int
    layers: Annotated[tuple[int, ...], "members in each layer"]
    cohesion: Annotated[float, "mean cosine of the members with the centre"]
    tokens: Annotated[
        tuple[TokenLogit, ...],
        "its cloud; logit: summed over the members that have the token among the 50 that they "
        "promote most",
    ]
    members: Annotated[tuple[Hit, ...], "score: cosine with the centre"]
    offset: int
    seed: int
    reading: ReadAs = OF_WRITES

    @classmethod
    def of(
        cls,
        debugger: Debugger,
        index: ModelIndex,
        number: int,
        members: Sequence[ScoredValue],
        *,
        offset: int,
        seed: int,
    ) -> ClusterReply:
        """Cluster `number` with `members`, those from `offset` on in the order of `seed`."""
        summary = index.summary(number)
        return cls(
            model=debugger.info.id,
            id=summary.id,
            size=summary.size,
            layers=summary.layers,
            cohesion=summary.cohesion,
            tokens=debugger.vocabulary.logits([*summary.token_ids], [*summary.token_logits]),
            members=hits(debugger, index, members, TOKENS_OF_A_MEMBER),
            offset=offset,
            seed=seed,
        )
