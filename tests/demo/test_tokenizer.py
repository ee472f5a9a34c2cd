"""The tokenizer: nothing is lost, words are whole, and what nobody uses is gone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_debugger.demo import tokenizer as bpe
from lm_debugger.demo.data import Corpus

TEXTS = ["the lighthouse and the lighthouse keeper and the sea"] * 50 + ["a house by the sea"] * 20


def learn(vocab_size: int, min_frequency: int = 2) -> bpe.Tokenizer:
    return bpe.train(lambda: TEXTS, vocab_size, min_frequency)


learnt = learn(300)


@given(st.text())
def test_every_text_survives_the_round_trip(text: str) -> None:
    assert learnt.decode(learnt.encode(text).ids, skip_special_tokens=False) == text


def test_end_of_text_is_token_0_and_recognised_in_text() -> None:
    assert learnt.token_to_id("<|endoftext|>") == 0
    assert learnt.encode("sea<|endoftext|>sea").ids.count(0) == 1


def test_all_bytes_are_in_and_ids_have_no_gap() -> None:
    ids = sorted(learnt.get_vocab().values())
    assert ids == list(range(len(ids)))
    assert {len(learnt.encode(chr(c)).ids) for c in range(128)} == {1}


def test_common_words_are_whole() -> None:
    assert learnt.encode("the lighthouse keeper").tokens == ["the", "Ġlighthouse", "Ġkeeper"]


@pytest.mark.parametrize("vocab_size", [258, 265, 280])
def test_the_vocabulary_is_as_large_as_asked(vocab_size: int) -> None:
    assert learn(vocab_size).get_vocab_size() == vocab_size


def test_trim_takes_the_rarest_leaf_and_its_parts_inherit_its_uses() -> None:
    merges = [("a", "b"), ("ab", "c"), ("a", "d"), ("ab", "e")]
    uses = Counter({"ab": 0, "abc": 5, "ad": 4, "abe": 1})
    # abe (1) goes first, so ab has 1 use but still carries abc; then ad (4) is the rarest leaf, and
    # only when abc (5) is gone may ab (6 = 0 + 1 + 5) go.
    assert bpe.trim(merges, uses, 3, 0) == [("a", "b"), ("ab", "c"), ("a", "d")]
    assert bpe.trim(merges, uses, 2, 0) == [("a", "b"), ("ab", "c")]
    assert bpe.trim(merges, uses, 1, 0) == [("a", "b")]
    assert bpe.trim(merges, uses, 9, 6) == [("a", "b")]
    assert bpe.trim(merges, uses, 9, 7) == []
    assert bpe.trim(merges, uses, 9, 0) == merges


def test_every_learnt_leaf_is_used_often_enough() -> None:
    tokenizer = learn(400, min_frequency=20)
    uses = bpe.count(tokenizer, TEXTS)
    merges = bpe.merges(tokenizer)
    parts = {part for pair in merges for part in pair}
    leaves = [left + right for left, right in merges if left + right not in parts]
    assert leaves
    assert all(uses[tokenizer.token_to_id(leaf)] >= 20 for leaf in leaves)


def test_count_agrees_with_encoding_one_by_one(corpus: Corpus) -> None:
    texts = ["The king", "and the sea", "and the sea", ""]
    expected = Counter(id for text in texts for id in corpus.tokenizer.encode(text).ids)
    assert bpe.count(corpus.tokenizer, texts) == expected
