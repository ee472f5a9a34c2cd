"""Prompts and tokens: taken as they are, shown as they are (rules 1 and 5)."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_debugger.errors import EmptyPrompt, InvalidInput, PromptTooLong
from tests.engine.case import Case

PROMPTS_AS_THEY_ARE = [
    "Yes", " Yes", "Yes ", "  Yes  ", "\nYes\n\n", "\tYes\r\n", " ", "    ", "\n", "\u00a0",
    "naïve Möwe", "😀", "👩‍👩‍👧 family", "日本語", "e\u0301", "\u200b",
    "\u3000", "\x00", "\ufeffBOM", "don't", "<b>&amp;</b>",
    "<|endoftext|>", "Yes<|endoftext|> It", "<|endoftext|><|endoftext|>", "<|endoftext",
]  # fmt: skip


@pytest.mark.parametrize("prompt", PROMPTS_AS_THEY_ARE, ids=ascii)
def test_the_prompt_is_taken_as_it_is(demo: Case, prompt: str) -> None:
    trace = demo.debugger.trace(prompt, top_k=3)
    ids = demo.encode(prompt)
    assert [t.id for t in trace.tokens] == ids
    assert trace.tokens == demo.debugger.tokenize(prompt)
    assert [t.text for t in trace.tokens] == [demo.decode(i) for i in ids]
    assert trace.prompt == prompt
    # Nothing is lost: the tokens spell the prompt.
    assert demo.tokenizer.decode(ids, skip_special_tokens=False) == prompt


@given(prompt=st.text(min_size=1, max_size=20))
def test_any_text_is_tokenized_as_the_tokenizers_library_does(demo: Case, prompt: str) -> None:
    assert [t.id for t in demo.debugger.tokenize(prompt)] == demo.encode(prompt)


@given(prompt=st.text(max_size=20).map(lambda s: s + "\ud83d"))
def test_a_lone_surrogate_is_an_error(demo: Case, prompt: str) -> None:
    """JSON can carry one; no tokenizer can."""
    with pytest.raises(InvalidInput, match="surrogate"):
        demo.debugger.tokenize(prompt)


def test_nothing_is_an_error(demo: Case) -> None:
    for call in (demo.debugger.tokenize, demo.debugger.trace, demo.debugger.generate):
        with pytest.raises(EmptyPrompt):
            call("")


@pytest.mark.parametrize("prompt", [None, 3, b"Yes", ["Yes"]])
def test_what_is_not_text_is_an_error(demo: Case, prompt: object) -> None:
    with pytest.raises(InvalidInput, match="text"):
        demo.debugger.trace(prompt)  # type: ignore[arg-type]


def test_too_long_says_how_long_and_how_long_it_may_be(tied: Case) -> None:
    n = tied.oracle.config["n_positions"]
    with pytest.raises(PromptTooLong, match=rf"{n + 1}.*{n}") as failure:
        tied.debugger.tokenize(" the" * (n + 1))
    assert failure.value.details == {"n_tokens": n + 1, "maximum": n}
    assert len(tied.debugger.tokenize(" the" * n)) == n


def test_every_token_of_the_vocabulary_shows_its_own_decoding(demo: Case) -> None:
    vocabulary = demo.debugger.vocabulary
    for id in range(demo.tokenizer.get_vocab_size()):
        assert vocabulary.token(id).text == demo.decode(id)
        assert vocabulary.piece(id) == demo.tokenizer.id_to_token(id)


def test_hex_is_there_exactly_where_bytes_are_no_text(tied: Case) -> None:
    """Byte-level BPE cuts characters apart; the pieces of one character show their bytes."""
    emoji = tied.debugger.tokenize("😀")
    assert len(emoji) > 1
    assert " ".join(t.hex or "?" for t in emoji) == "😀".encode().hex(" ")
    vocabulary = tied.debugger.vocabulary
    n_hex = 0
    for id in range(1, tied.tokenizer.get_vocab_size()):
        raw = bytes(byte_alphabet()[c] for c in tied.tokenizer.id_to_token(id) or "")
        try:
            raw.decode()
            expected = None
        except UnicodeDecodeError:
            expected = raw.hex(" ")
            n_hex += 1
        assert vocabulary.token(id).hex == expected
    assert n_hex > 100


@functools.cache
def byte_alphabet() -> dict[str, int]:
    """GPT-2's (Radford et al., 2019): printable bytes stand for themselves, the others, in order,
    for the characters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + n): b for n, b in enumerate(others)}


def test_the_text_is_the_prompt_and_what_follows(tied: Case) -> None:
    for prompt in ("  Yes ,  it 's", "\nThe\n\n", "a .b ,c", "Möwe 😀"):
        generation = tied.debugger.generate(prompt, max_new_tokens=4)
        assert generation.text.startswith(prompt)
        ids = tied.encode(prompt) + [s.token.id for s in generation.steps]
        assert generation.text == tied.tokenizer.decode(ids)


def test_a_character_that_is_not_finished_does_not_break_the_stream(tied: Case) -> None:
    """A prompt may not end inside a character, but a generated text may."""
    stream = tied.debugger.stream("😀" * 3, max_new_tokens=8)
    for step in stream:
        assert step.token.hex is None or "\ufffd" in step.token.text
    assert stream.result.text.startswith("😀" * 3)
