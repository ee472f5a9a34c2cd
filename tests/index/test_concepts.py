"""Concept search and neighbours against brute force."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lm_debugger.engine.stopping import stoppable
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import InvalidInput, UnknownLayer
from lm_debugger.index.concepts import ScoredValue, parse
from tests.index.conftest import Built
from tests.reference import Array, assert_ranked
from tests.reference_index import concept, cosines

CONCEPT = "music, song , -school, -  neuroscience"


def numbered(built: Built, found: list[ScoredValue]) -> list[tuple[int, float]]:
    return [(built.library.vectors.index((s.id.layer, s.id.dim)), s.score) for s in found]


def truth(built: Built) -> Array:
    encode = built.library.tokenizer.encode

    def tokens(word: str) -> list[int]:
        whole = [encode(form).ids for form in (word, f" {word}") if len(encode(form).ids) == 1]
        return [ids[0] for ids in whole] or encode(f" {word}").ids

    promote = [tokens("music"), tokens("song")]
    return concept(built.library, promote, [tokens("school"), tokens("neuroscience")])


def test_ranking_by_the_exact_mean_logit_over_all_vectors(built: Built) -> None:
    words = built.index.concepts.words(CONCEPT)
    found = built.index.concepts.search(words, 100)
    assert_ranked(numbered(built, found), truth(built), 100, atol=1e-5)


def test_ranking_divided_by_the_norm(built: Built) -> None:
    norms = np.array(
        [np.linalg.norm(built.library.oracle.values(la)[d]) for la, d in built.library.vectors]
    )
    words = built.index.concepts.words(CONCEPT)
    found = built.index.concepts.search(words, 100, normalised=True)
    assert_ranked(numbered(built, found), truth(built) / norms, 100, atol=1e-5)


def test_a_layer_range_is_both_ends_included(built: Built) -> None:
    last = built.library.oracle.n_layer - 1
    words = built.index.concepts.words("music")
    everything = built.index.concepts.search(words, len(built.library.vectors))
    only_last = built.index.concepts.search(words, 30, layers=(last, last))
    assert only_last == [s for s in everything if s.id.layer == last][:30]
    with pytest.raises(UnknownLayer, match=f"0 to {last}"):
        built.index.concepts.search(words, 5, layers=(0, last + 1))
    with pytest.raises(UnknownLayer):
        built.index.concepts.search(words, 5, layers=(last, last - 1))


def test_nearest_and_most_opposed_by_cosine(built: Built) -> None:
    matrix = cosines(built.library)
    for number in (0, len(matrix) // 2, len(matrix) - 1):
        at = ValueId(*built.library.vectors[number])
        others = matrix[number].copy()
        others[number] = -np.inf
        near = numbered(built, built.index.concepts.neighbours(at, 12))
        assert_ranked(near, others, 12, atol=1e-6)
        others[number] = np.inf
        far = numbered(built, built.index.concepts.neighbours(at, 12, opposite=True))
        assert_ranked([(i, -c) for i, c in far], -others, 12, atol=1e-6)
        assert number not in [i for i, _ in near + far]


def test_words_are_parsed_with_their_sign() -> None:
    assert parse("music, -school ,, - the end,-") == [
        ("music", False),
        ("school", True),
        ("the end", True),
        ("-", False),
    ]
    with pytest.raises(InvalidInput, match="at least one word"):
        parse(" , ")


class Unwanted(Exception):
    """What ends the search here."""


def test_a_search_takes_its_turn_and_can_be_stopped_between_layers(built: Built) -> None:
    concepts, n_layers = built.index.concepts, built.library.oracle.n_layer
    words = concepts.words("music")

    def asked(times: int) -> Callable[[], None]:
        left = iter(range(times))

        def check() -> None:
            if next(left, None) is None:
                raise Unwanted

        return check

    for search in (
        lambda: concepts.search(words, 5),
        lambda: concepts.neighbours(ValueId(0, 0), 5),
    ):
        with stoppable(asked(n_layers + 1)):  # once for the turn, once for each layer
            assert len(search()) == 5
        with stoppable(asked(n_layers)), pytest.raises(Unwanted):
            search()
        with built.debugger.gate, stoppable(asked(n_layers + 2)), pytest.raises(Unwanted):
            search()  # waits for the turn that this thread does not give up
