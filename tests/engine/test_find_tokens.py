"""Tokens by what somebody types, against a plain walk over the tokenizer's vocabulary."""

from __future__ import annotations

import pytest

from lm_debugger.errors import OutOfRange
from tests.engine.case import Case


def vocabulary(case: Case) -> dict[int, str]:
    return {id: case.decode(id) for id in range(case.debugger.info.vocab_size)}


def test_a_word_after_a_space_comes_first_then_bare_then_longer_ones(tied: Case) -> None:
    texts = vocabulary(tied)
    found = tied.debugger.find_tokens("music", 20)
    assert found[0].text == " music"
    wanted = {id for id, text in texts.items() if text.strip().lower().startswith("music")}
    assert {token.id for token in found} == wanted
    lengths = [len(token.text.strip()) for token in found]
    assert lengths == sorted(lengths)


@pytest.mark.parametrize("typed", ["music", "The", "the", " the", "  ", "a", "I", " I", "\n", "s"])
def test_the_order(tied: Case, typed: str) -> None:
    texts = {
        id: text for id, text in vocabulary(tied).items() if tied.debugger.token(id).hex is None
    }
    bare = typed.strip().lower()
    plain = {id: text.strip().lower() for id, text in texts.items()}
    stages = [
        [id for id in texts if texts[id] == " " + typed],
        [id for id in texts if texts[id] == typed],
        [id for id in texts if plain[id] == bare],
        sorted((id for id in texts if plain[id].startswith(bare)), key=lambda id: len(plain[id])),
    ]
    expected = [*dict.fromkeys(id for stage in stages for id in stage)][:40]
    assert [token.id for token in tied.debugger.find_tokens(typed, 40)] == expected


def test_white_space_and_nonsense(tied: Case) -> None:
    texts = vocabulary(tied)
    newline = next(token for token in tied.debugger.find_tokens("\n", 3))
    assert texts[newline.id] == "\n"
    assert tied.debugger.find_tokens("xyzzy-nowhere", 5) == ()
    assert len(tied.debugger.find_tokens("", 7)) == 7


def test_bytes_that_are_no_text_are_not_found(tied: Case) -> None:
    every = tied.debugger.find_tokens("", tied.debugger.limits.max_top_k)
    assert all(token.hex is None for token in every)


def test_n_is_checked(tied: Case) -> None:
    with pytest.raises(OutOfRange):
        tied.debugger.find_tokens("a", 0)
