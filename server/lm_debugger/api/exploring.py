"""What Explore answers: what the index found, with the tokens that people read it by. Nothing is
computed here but the tokens of vectors that are not in the index yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from lm_debugger.engine.nodes import NodeName
from lm_debugger.engine.readings import OF_WRITES, Reading
from lm_debugger.engine.tokens import Decoded, Hex, Token

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.engine.types import ValueId
    from lm_debugger.index import ModelIndex
    from lm_debugger.index.concepts import ScoredValue, Word
    from lm_debugger.index.keywords import KeywordHit as Found
    from lm_debugger.index.keywords import KeywordResult

TOKENS_OF_A_HIT = 10
TOKENS_MATCHED = 50
"""At most, of a vector that keywords found."""

ReadAs: TypeAlias = Annotated[Reading, "how the vectors' tokens are read"]


@dataclass(frozen=True, slots=True)
class IndexReply:
    """How far the index of a model is."""

    model: str
    state: Literal["waiting", "building", "ready", "cancelled", "failed"]
    stage: Annotated[str, "projections, then clusters; there may be others"]
    done: Annotated[int, "steps of the stage: layers, or iterations of the clustering"]
    total: int
    within: Annotated[float, "how much of the step at hand is done, from 0 to 1"]
    seconds_left: Annotated[float | None, "estimate for the stage"]
    error: str | None
    layers_ready: Annotated[int, "layers that keyword search covers"]
    n_layers: int
    n_clusters: Annotated[
        int | None,
        "null until the clusters are there; 0: none are built (the setting n_clusters)",
    ]

    @classmethod
    def of(cls, debugger: Debugger, found: ModelIndex) -> IndexReply:
        """As it is now."""
        progress = found.progress
        return cls(
            model=debugger.info.id,
            state=progress.state,
            stage=progress.stage,
            done=progress.done,
            total=progress.total,
            within=progress.within,
            seconds_left=progress.seconds_left,
            error=progress.error,
            layers_ready=len(found.layers_ready),
            n_layers=debugger.info.n_layers,
            n_clusters=found.n_clusters,
        )


# --- hits ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """A found value vector with the tokens that it promotes most: ten, of a cluster's member
    twenty."""

    layer: int
    dim: int
    node: NodeName
    score: float
    tokens: tuple[Token, ...]


def hits(
    debugger: Debugger,
    found: ModelIndex,
    values: Sequence[ScoredValue],
    n_tokens: int = TOKENS_OF_A_HIT,
) -> tuple[Hit, ...]:
    """Value vectors with their n <= 50 best tokens: from the index or, before their layer is there,
    computed."""
    known = {value.id: found.promoted(value.node, n_tokens) for value in values}
    missing = [at for at, tokens in known.items() if tokens is None]
    computed = dict(zip(missing, debugger.promoted(missing, n_tokens), strict=True))
    return tuple(
        Hit(
            at.layer,
            at.dim,
            str(value.node),
            value.score,
            computed[at] if listed is None else debugger.model.tokens(listed[0]),
        )
        for value, (at, listed) in zip(values, known.items(), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A token that matches a keyword."""

    id: int
    text: Decoded
    hex: Hex
    rank: Annotated[int, "place among the vector's 50 promoted tokens, from 0"]
    logit: float


@dataclass(frozen=True, slots=True)
class KeywordHit:
    """A found value vector with its ten best tokens, and those that match."""

    layer: int
    dim: int
    node: NodeName
    score: float
    tokens: tuple[Token, ...]
    matched: tuple[Match, ...]

    @classmethod
    def of(cls, debugger: Debugger, index: ModelIndex, hit: Found) -> KeywordHit:
        """What the index found."""
        known = index.promoted(hit.node, TOKENS_MATCHED)
        assert known is not None  # it was found there
        ids, logits = known
        tokens = debugger.model.tokens(ids)
        matched = (
            Match(token.id, token.text, token.hex, rank, logits[rank])
            for rank, token in ((rank, tokens[rank]) for rank in hit.matched)
        )
        at = hit.id
        shown = tokens[:TOKENS_OF_A_HIT]
        return cls(at.layer, at.dim, str(at), hit.score, shown, tuple(matched))


@dataclass(frozen=True, slots=True)
class KeywordReply:
    """Value vectors that promote keywords."""

    model: str
    hits: tuple[KeywordHit, ...]
    total: Annotated[int, "vectors that match"]
    partial: Annotated[
        tuple[str, ...],
        "keywords of several tokens that no vector lists completely; vectors with some of their "
        "tokens were taken",
    ]
    layers_ready: int
    n_layers: int
    reading: ReadAs = OF_WRITES

    @classmethod
    def of(cls, debugger: Debugger, index: ModelIndex, found: KeywordResult) -> KeywordReply:
        """What the index found."""
        return cls(
            model=debugger.info.id,
            hits=tuple(KeywordHit.of(debugger, index, hit) for hit in found.hits),
            total=found.total,
            partial=found.partial,
            layers_ready=len(index.layers_ready),
            n_layers=debugger.info.n_layers,
        )


@dataclass(frozen=True, slots=True)
class ConceptWord:
    """A word of a concept."""

    text: str
    demoted: bool
    tokens: Annotated[tuple[Token, ...], "the tokens whose mean logit stands for the word"]


@dataclass(frozen=True, slots=True)
class ConceptReply:
    """Value vectors that promote some words and demote others."""

    model: str
    words: tuple[ConceptWord, ...]
    hits: tuple[Hit, ...]
    reading: ReadAs = OF_WRITES

    @classmethod
    def of(
        cls,
        debugger: Debugger,
        index: ModelIndex,
        words: Sequence[Word],
        values: Sequence[ScoredValue],
    ) -> ConceptReply:
        """What was looked for, and what the search found."""
        asked = tuple(ConceptWord(word.text, word.demoted, tuple(word.tokens)) for word in words)
        return cls(debugger.info.id, asked, hits(debugger, index, values))


@dataclass(frozen=True, slots=True)
class NeighboursReply:
    """The value vectors nearest to one, or most opposed to it."""

    model: str
    layer: int
    dim: int
    node: NodeName
    hits: Annotated[tuple[Hit, ...], "score: cosine"]
    reading: ReadAs = OF_WRITES

    @classmethod
    def of(
        cls, debugger: Debugger, index: ModelIndex, at: ValueId, values: Sequence[ScoredValue]
    ) -> NeighboursReply:
        """What the search found."""
        found = hits(debugger, index, values)
        return cls(debugger.info.id, at.layer, at.dim, str(at), found)
