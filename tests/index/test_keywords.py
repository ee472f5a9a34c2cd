"""Keyword search against the plain BM25 of `reference_index` (rule 17)."""

from __future__ import annotations

from collections import Counter

import pytest

from lm_debugger.engine.types import ValueId
from lm_debugger.errors import IndexNotReady, InvalidInput
from lm_debugger.index import ModelIndex
from lm_debugger.index.keywords import KeywordResult, parse
from tests.index.conftest import Built
from tests.reference_index import bm25


def common_words(built: Built, n: int) -> list[str]:
    """Words that many vectors list, in all their forms: the interesting queries."""
    counts = Counter(
        word.strip() for vector in built.library.vectors for word in built.library.words(vector)
    )
    return [word for word, _ in counts.most_common() if len(word) > 2 and word.isascii()][:n]


def expected(built: Built, keywords: list[str]) -> dict[tuple[int, int], float]:
    documents = {vector: built.library.words(vector) for vector in built.library.vectors}
    present = {word for words in documents.values() for word in words}
    queries = [
        [form] for word in keywords for form in (word, f" {word}", f"\n{word}") if form in present
    ]
    return bm25(documents, queries)


def assert_same_order(result: KeywordResult, scores: dict[tuple[int, int], float], n: int) -> None:
    assert result.total == len(scores)
    best = sorted(scores.values(), reverse=True)[:n]
    assert [hit.score for hit in result.hits] == pytest.approx(best, rel=1e-9)
    for hit in result.hits:
        assert hit.node.layer is not None
        assert hit.node.index is not None
        assert scores[hit.node.layer, hit.node.index] == pytest.approx(hit.score, rel=1e-9)
    assert len({hit.node for hit in result.hits}) == len(result.hits)


def test_single_keywords_rank_as_bm25_does(built: Built) -> None:
    for word in common_words(built, 8):
        assert_same_order(built.index.keywords(word, 20), expected(built, [word]), 20)


def test_several_keywords_are_combined_with_or(built: Built) -> None:
    words = common_words(built, 4)
    result = built.index.keywords(" , ".join(words) + ",", 200)
    assert_same_order(result, expected(built, words), 200)


def test_case_does_not_matter(built: Built) -> None:
    word = common_words(built, 1)[0]
    lower, upper = built.index.keywords(word.lower(), 10), built.index.keywords(word.upper(), 10)
    assert lower.hits == upper.hits


def test_ties_go_to_the_larger_logit_then_to_the_lower_id(built: Built) -> None:
    word = common_words(built, 1)[0]
    hits = built.index.keywords(word, 200).hits

    def key(hit_id: ValueId, score: float) -> tuple[float, float, tuple[int, int]]:
        vector = (hit_id.layer, hit_id.dim)
        words, top = built.library.words(vector), built.library.top[vector]
        logit = sum(
            float(built.library.logits[vector][token])
            for token, text in zip(top, words, strict=True)
            if text in (word, f" {word}", f"\n{word}")
        )
        return (-round(score, 6), -round(logit, 4), vector)

    keys = [key(hit.id, hit.score) for hit in hits]
    assert len(keys) > 3
    assert keys == sorted(keys)


def test_matched_ranks_point_at_the_keyword(built: Built) -> None:
    word = common_words(built, 1)[0]
    for hit in built.index.keywords(word, 20).hits:
        words = built.library.words((hit.id.layer, hit.id.dim))
        forms = (word, f" {word}", f"\n{word}")
        assert list(hit.matched) == [rank for rank, text in enumerate(words) if text in forms]


def test_a_keyword_of_several_tokens_needs_all_of_them_where_a_vector_has_all(built: Built) -> None:
    """Made of two tokens that some vector lists next to each other: that vector must be found."""
    library = built.library
    for vector in library.vectors:
        texts = [library.text(token) for token in library.top[vector]]
        starts = [t for t in texts if t.startswith(" ") and t[1:].isalpha() and t.isascii()]
        ends = [t for t in texts if t.isalpha() and t.isascii() and t.islower()]
        for start in starts:
            for end in ends:
                tokens = [library.text(i) for i in library.tokenizer.encode(start + end).ids]
                if tokens == [start, end]:
                    result = built.index.keywords((start + end).strip(), 200)
                    assert not result.partial
                    assert vector in [(hit.id.layer, hit.id.dim) for hit in result.hits]
                    return
    raise AssertionError("no vector of this random model lists two tokens that make one word")


def test_a_keyword_of_several_tokens_that_no_vector_has_is_marked_partial(built: Built) -> None:
    word = "".join(w for w in common_words(built, 6))
    result = built.index.keywords(word, 5)
    assert result.partial == (word,)
    assert result.total > 0


def test_words_outside_ascii_are_found_as_people_write_them(built: Built) -> None:
    """`é` is two unreadable characters in the raw vocabulary."""
    for vector in built.library.vectors:
        for word in built.library.words(vector):
            bare = word.strip()
            if bare and not bare.isascii() and "\ufffd" not in bare and bare.isalpha():
                found = built.index.keywords(bare.upper(), 200)
                if bare.upper().lower() == bare:
                    assert vector in [(hit.id.layer, hit.id.dim) for hit in found.hits]
                    return
    raise AssertionError("no vector of this random model lists a word outside ASCII")


def test_a_word_that_no_vector_lists_finds_nothing(built: Built) -> None:
    listed = {word for vector in built.library.vectors for word in built.library.words(vector)}
    vocabulary = [built.library.text(i) for i in range(built.library.tokenizer.get_vocab_size())]
    word = next(
        text.strip()
        for text in vocabulary
        if text.strip().isalpha()
        and not {text.strip().lower(), f" {text.strip().lower()}"} & listed
    )
    result = built.index.keywords(word, 5)
    assert (result.hits, result.total, result.partial) == ((), 0, ())


@pytest.mark.parametrize("text", ["", " ", " , ,, "])
def test_no_keyword_is_an_error(text: str) -> None:
    with pytest.raises(InvalidInput, match="at least one keyword"):
        parse(text)


def test_searching_before_any_layer_is_built_says_so(built: Built) -> None:
    fresh = ModelIndex(built.debugger, built.cache_dir, n_clusters=3)
    with pytest.raises(IndexNotReady, match="waiting"):
        fresh.keywords("music")
    with pytest.raises(IndexNotReady, match="waiting"):
        _ = fresh.clusters
