"""Tokens by what somebody types, against a plain walk over the tokenizer's vocabulary."""

from __future__ import annotations

import pytest

from lm_debugger.errors import OutOfRange
from tests.engine.case import Case


def vocabulary(case: Case) -> dict[int, str]:
    return {id: case.decode(id) for id in range(case.debugger.info.vocab_size)}


def test_a_word_after_a_space_comes_first_then_bare_then_longer_ones(demo: Case) -> None:
    texts = vocabulary(demo)
    found = demo.debugger.find_tokens("music", 20)
    assert [token.text for token in found][0] == " music"
    wanted = {id for id, text in texts.items() if text.strip().lower().startswith("music")}
    assert {token.id for token in found} == wanted
    lengths = [len(token.text.strip()) for token in found]
    assert lengths == sorted(lengths)


def test_a_space_that_was_typed_counts(demo: Case) -> None:
    assert [token.text for token in demo.debugger.find_tokens(" the", 2)][0] == " the"
    assert [token.text for token in demo.debugger.find_tokens("The", 2)][:2] == [" The", "The"]


def test_white_space_and_nonsense(demo: Case) -> None:
    texts = vocabulary(demo)
    newline = next(token for token in demo.debugger.find_tokens("\n", 3))
    assert texts[newline.id] == "\n"
    assert demo.debugger.find_tokens("xyzzy-nowhere", 5) == ()
    assert len(demo.debugger.find_tokens("", 7)) == 7


def test_bytes_that_are_no_text_are_not_found(demo: Case) -> None:
    every = demo.debugger.find_tokens("", demo.debugger.limits.max_top_k)
    assert all(token.hex is None for token in every)


def test_n_is_checked(tied: Case) -> None:
    with pytest.raises(OutOfRange):
        tied.debugger.find_tokens("a", 0)
