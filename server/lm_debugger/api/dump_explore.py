"""What the index found -> wire models. Nothing is computed here but the tokens of vectors that are
not in the index yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_debugger.api import dump
from lm_debugger.api import schemas as wire
from lm_debugger.api import schemas_explore as explore
from lm_debugger.errors import IndexNotReady, NoClusters

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.engine.types import ValueId
    from lm_debugger.index import ModelIndex
    from lm_debugger.index.concepts import ScoredValue, Word
    from lm_debugger.index.keywords import KeywordResult

TOKENS_OF_A_HIT = 10
TOKENS_OF_A_MEMBER = 20
"""Of a cluster (rule 18)."""
TOKENS_OF_A_LABEL = 5
TOKENS_MATCHED = 50
"""At most, of a vector that keywords found."""


def index(debugger: Debugger, found: ModelIndex) -> explore.IndexReply:
    progress = found.progress
    return explore.IndexReply(
        model=debugger.info.id,
        state=progress.state,
        stage=progress.stage,
        done=progress.done,
        total=progress.total,
        seconds_left=progress.seconds_left,
        error=progress.error,
        layers_ready=len(found.layers_ready),
        n_layers=debugger.info.n_layers,
        n_clusters=found.n_clusters,
    )


def promoted(
    debugger: Debugger, found: ModelIndex, values: Sequence[ValueId], n: int
) -> list[list[wire.TokenOut]]:
    """The n <= 50 best tokens of each vector: from the index or, before its layer is there,
    computed."""
    known = {at: found.promoted(at, n) for at in values}
    missing = [at for at, tokens in known.items() if tokens is None]
    computed = dict(zip(missing, debugger.promoted(missing, n), strict=True))
    return [
        [*map(dump.token, computed[at] if tokens is None else map(debugger.token, tokens[0]))]
        for at, tokens in known.items()
    ]


def hits(
    debugger: Debugger,
    found: ModelIndex,
    values: Sequence[ScoredValue],
    n_tokens: int = TOKENS_OF_A_HIT,
) -> list[explore.HitOut]:
    tokens = promoted(debugger, found, [value.id for value in values], n_tokens)
    return [
        explore.HitOut(layer=value.id.layer, dim=value.id.dim, score=value.score, tokens=own)
        for value, own in zip(values, tokens, strict=True)
    ]


def keywords(debugger: Debugger, found: ModelIndex, result: KeywordResult) -> explore.KeywordReply:
    hits = []
    for hit in result.hits:
        known = found.promoted(hit.id, 50)
        assert known is not None  # it was found there
        ids, logits = known
        matched = [
            explore.MatchOut(
                **dump.token(debugger.token(ids[rank])).model_dump(), rank=rank, logit=logits[rank]
            )
            for rank in hit.matched
        ]
        tokens = [dump.token(debugger.token(id)) for id in ids[:TOKENS_OF_A_HIT]]
        hits.append(
            explore.KeywordHitOut(
                layer=hit.id.layer,
                dim=hit.id.dim,
                score=hit.score,
                tokens=tokens,
                matched=matched,
            )
        )
    return explore.KeywordReply(
        model=debugger.info.id,
        hits=hits,
        total=result.total,
        partial=list(result.partial),
        layers_ready=len(found.layers_ready),
        n_layers=debugger.info.n_layers,
    )


def concepts(
    debugger: Debugger, found: ModelIndex, words: Sequence[Word], values: Sequence[ScoredValue]
) -> explore.ConceptReply:
    return explore.ConceptReply(
        model=debugger.info.id,
        words=[
            explore.WordOut(
                text=word.text, demoted=word.demoted, tokens=[dump.token(t) for t in word.tokens]
            )
            for word in words
        ],
        hits=hits(debugger, found, values),
    )


def neighbours(
    debugger: Debugger, found: ModelIndex, at: ValueId, values: Sequence[ScoredValue]
) -> explore.NeighboursReply:
    return explore.NeighboursReply(
        model=debugger.info.id,
        layer=at.layer,
        dim=at.dim,
        hits=hits(debugger, found, values),
    )


def place(debugger: Debugger, found: ModelIndex, at: ValueId) -> explore.PlaceReply:
    try:
        cluster = found.cluster_of(at)
    except (IndexNotReady, NoClusters):
        cluster = None
    return explore.PlaceReply(
        model=debugger.info.id,
        layer=at.layer,
        dim=at.dim,
        norm=found.norm(at),
        norm_rank=found.norm_rank(at),
        n_vectors=found.n_vectors,
        cluster=cluster,
        cluster_size=None if cluster is None else found.summary(cluster).size,
    )


def clusters(debugger: Debugger, found: ModelIndex) -> explore.ClustersReply:
    summaries = [found.summary(cluster) for cluster in range(len(found.clusters.centres))]
    return explore.ClustersReply(
        model=debugger.info.id,
        clusters=[
            explore.ClusterSummary(
                id=summary.id,
                size=summary.size,
                label=[
                    dump.token(debugger.token(id)) for id in summary.token_ids[:TOKENS_OF_A_LABEL]
                ],
                layers=list(summary.layers),
                cohesion=summary.cohesion,
            )
            for summary in summaries
        ],
    )


def cluster(
    debugger: Debugger,
    found: ModelIndex,
    asked: explore.ClusterQuery,
    members: Sequence[ScoredValue],
) -> explore.ClusterReply:
    summary = found.summary(asked.cluster)
    return explore.ClusterReply(
        model=debugger.info.id,
        id=summary.id,
        size=summary.size,
        layers=list(summary.layers),
        cohesion=summary.cohesion,
        tokens=[
            wire.TokenLogitOut(
                **dump.token(debugger.token(id)).model_dump(), piece=debugger.piece(id), logit=logit
            )
            for id, logit in zip(summary.token_ids, summary.token_logits, strict=True)
        ],
        members=hits(debugger, found, members, TOKENS_OF_A_MEMBER),
        offset=asked.offset,
        seed=asked.seed,
    )
