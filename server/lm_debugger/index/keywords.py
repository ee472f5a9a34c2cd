"""Keyword search (rule 17): BM25 over the 50 promoted tokens of every row of a bank.

Every document has the same length, so BM25 (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75) loses
its length term:

    score(d) = sum over query terms t of  ln(1 + (N - df + 0.5) / (df + 0.5)) * tf * 2.2 / (tf +
    1.2)

The inverted index has one segment per layer, so that layers can be added while others are searched;
frequencies are those of all segments together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lm_debugger.engine.nodes import Node, ValueId
from lm_debugger.errors import InvalidInput
from lm_debugger.index.bank import Bank
from lm_debugger.index.stages.projections import LayerProjections
from lm_debugger.index.terms import Terms

K1 = 1.2

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KeywordHit:
    """A found row. `matched` are the ranks (0 to 49) of the tokens that match."""

    node: Node
    score: float
    matched: tuple[int, ...]

    @property
    def id(self) -> ValueId:
        """The value vector, where it is one; raises InvalidNode."""
        return ValueId.of(self.node)


@dataclass(frozen=True, slots=True)
class KeywordResult:
    """`total` rows match; `hits` are the best. `partial` names keywords of several tokens that
    no row lists completely, so that rows with some of the tokens were taken."""

    hits: tuple[KeywordHit, ...]
    total: int
    partial: tuple[str, ...]


def parse(text: str) -> list[str]:
    """Comma-separated keywords, without what is blank between two commas.

    Raises:
        InvalidInput: there is none.
    """
    keywords = list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if not keywords:
        raise InvalidInput("Type at least one keyword; separate several by commas.")
    return keywords


class Segment:
    """One layer's postings: for each term, the places in [N_l, 50] where it stands."""

    def __init__(self, layer: LayerProjections, terms: Terms) -> None:
        flat = terms.of_token[layer.promoted_ids.numpy()].ravel()
        self._places = np.argsort(flat, kind="stable").astype(np.int32)
        self._offsets = np.concatenate(([0], np.bincount(flat, minlength=len(terms)).cumsum()))
        self.logits: NDArray[np.float32] = layer.promoted_logits.numpy().ravel()
        self.n_documents, self.width = layer.promoted_ids.shape

    def places(self, term: int) -> NDArray[np.int32]:
        """Ascending indices into the flattened [N_l * 50]."""
        return self._places[self._offsets[term] : self._offsets[term + 1]]


class KeywordIndex:
    """All segments that exist so far."""

    def __init__(self, terms: Terms, bank: Bank) -> None:
        self._terms = terms
        self._bank = bank
        self._segments: list[Segment | None] = [None] * bank.n_layers
        self._width = 1  # tokens per document

    def add(self, layer: int, projections: LayerProjections) -> None:
        """Make a layer searchable."""
        segment = Segment(projections, self._terms)
        self._width = segment.width
        self._segments[layer] = segment

    def search(self, text: str, n: int) -> KeywordResult:
        """The n rows with the highest BM25 score for comma-separated keywords, combined with OR.

        Ties, which are the rule for a single keyword, go to the larger logit of the matched
        tokens, then to the lower id.

        Raises:
            InvalidInput: there is no keyword.
            UnknownWord: the tokenizer has no tokens for some.
        """
        matches: list[tuple[Ints, Floats, Ints]] = []
        partial = []
        keywords = parse(text)
        for keyword, groups in zip(keywords, self._terms.groups(keywords), strict=True):
            found = [m for group in groups if (m := self._match(group, all_terms=True))]
            if not found and any(len(group) > 1 for group in groups):
                partial.append(keyword)
                found = [m for group in groups if (m := self._match(group, all_terms=False))]
            matches += found
        if not matches:
            return KeywordResult((), 0, tuple(partial))
        return self._rank(matches, n, tuple(partial))

    def _match(self, group: Sequence[int], *, all_terms: bool) -> tuple[Ints, Floats, Ints] | None:
        """Documents, their scores, and all matching places of one group; None if there are none."""
        n_documents = sum(s.n_documents for s in self._segments if s is not None)
        places = [self._places(term) for term in group]
        per_term = [np.unique(p // self._width, return_counts=True) for p in places]
        documents = np.concatenate([docs for docs, _ in per_term])
        scores = np.concatenate(
            [_bm25(counts, len(docs), n_documents) for docs, counts in per_term]
        )
        unique, inverse, held = np.unique(documents, return_inverse=True, return_counts=True)
        summed = np.bincount(inverse, weights=scores, minlength=len(unique))
        keep = held == len(group) if all_terms else held > 0
        if not keep.any():
            return None
        kept: Ints = unique[keep].astype(np.int64)
        every = np.concatenate(places)
        return kept, summed[keep].astype(np.float64), every[np.isin(every // self._width, kept)]

    def _places(self, term: int) -> Ints:
        """Places in the flattened [N * 50], ascending."""
        return np.concatenate(
            [
                segment.places(term).astype(np.int64) + self._bank.offsets[layer] * self._width
                for layer, segment in enumerate(self._segments)
                if segment is not None
            ]
            or [np.empty(0, np.int64)]
        )

    def _rank(
        self, matches: Sequence[tuple[Ints, Floats, Ints]], n: int, partial: tuple[str, ...]
    ) -> KeywordResult:
        documents = np.concatenate([docs for docs, _, _ in matches])
        scores = np.concatenate([score for _, score, _ in matches])
        unique, inverse = np.unique(documents, return_inverse=True)
        summed = np.bincount(inverse, weights=scores, minlength=len(unique))
        places = np.unique(np.concatenate([p for _, _, p in matches]))
        owner = np.searchsorted(unique, places // self._width)
        logits = np.bincount(owner, weights=self._logits(places), minlength=len(unique))
        # rounding, so that sums of the same terms in another order still tie
        best = np.lexsort((unique, -logits, -summed.round(9)))[:n]
        hits = []
        for at in best:
            node = self._bank.named(int(unique[at]))
            ranks = places[owner == at] % self._width
            hits.append(KeywordHit(node, float(summed[at]), tuple(ranks.tolist())))
        return KeywordResult(tuple(hits), len(unique), partial)

    def _logits(self, places: Ints) -> Floats:
        begins = np.array(self._bank.offsets) * self._width
        layers = np.searchsorted(begins, places, side="right") - 1
        logits = np.empty(len(places))
        for layer in np.unique(layers):
            segment, here = self._segments[int(layer)], layers == layer
            assert segment is not None
            logits[here] = segment.logits[places[here] - begins[layer]]
        return logits


def _bm25(counts: Ints, df: int, n_documents: int) -> Floats:
    idf = math.log(1 + (n_documents - df + 0.5) / (df + 0.5))
    return idf * counts * (K1 + 1) / (counts + K1)
