"""Tokens of other kinds of tokenizers than GPT-2's: no space is lost, bytes are bytes.

What a token says is written down in its piece, which the tests read by themselves.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.decoding import Decoding
from lm_debugger.engine.vocabulary import Vocabulary
from tests.engine.test_text import byte_alphabet
from tests.models import random_model
from tests.tokenizers import BYTES, SENTENCE_PIECE_LIKE, SPACE, byte_level, word_piece


@pytest.fixture(params=SENTENCE_PIECE_LIKE)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return SENTENCE_PIECE_LIKE[request.param]()


def saved(tokenizer: Any, folder: Path) -> Path:
    """A random model with a tokenizer."""
    rows = len(tokenizer)
    random_model({"vocab_size": rows, "n_layer": 2}, seed=3).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def written(tokenizer: Any, id: int) -> tuple[str, str | None]:
    """Text and hex of a token, from its piece."""
    piece = tokenizer.convert_ids_to_tokens(id)
    if piece not in BYTES:
        return piece.replace(SPACE, " "), None
    byte = BYTES.index(piece)
    return (chr(byte), None) if byte < 128 else ("\ufffd", f"{byte:02x}")


def test_every_token_is_what_its_piece_says(tokenizer: Any) -> None:
    """One by one and all at once."""
    rows = len(tokenizer) + 3
    vocabulary = Vocabulary(tokenizer, rows)
    truth = [written(tokenizer, id) for id in range(len(tokenizer))]
    truth += [(f"[{id}]", None) for id in range(len(tokenizer), rows)]
    assert [(t.text, t.hex) for t in map(vocabulary.token, range(rows))] == truth
    assert [(t.id, t.text, t.hex) for t in vocabulary.every()] == [
        (id, *shown) for id, shown in enumerate(truth)
    ]
    assert any(text.startswith("  ") for text, _ in truth) or "▁▁" not in tokenizer.get_vocab()


def test_byte_level_pieces_too() -> None:
    """All at once, parts of characters side by side with others."""
    tokenizer = byte_level(bos=False)
    for token in Vocabulary(tokenizer, len(tokenizer)).every():
        piece = tokenizer.convert_ids_to_tokens(token.id)
        raw = bytes(byte_alphabet()[char] for char in piece)
        assert token.text == raw.decode(errors="replace")
        assert (token.hex is None) == ("\ufffd" not in token.text)


def test_spaces_that_belong_to_no_token_are_in_none() -> None:
    """WordPiece's decoder puts them between its tokens."""
    tokenizer = word_piece()
    texts = [token.text for token in Vocabulary(tokenizer, len(tokenizer)).every()]
    assert texts == ["[UNK]", "[CLS]", "[SEP]", "the", "nurse", "##s", "a", "good"]


class Telling:
    """A tokenizer of pieces that say each other."""

    pieces = ("<s>", "a", "a<s>b", "<s>", "", "<s><s>", " b")
    all_special_ids = (0,)

    def __len__(self) -> int:
        return len(self.pieces)

    def decode(self, ids: list[int], **_: bool) -> str:
        return "".join(self.pieces[id] for id in ids)


def test_a_token_may_hold_the_text_of_the_one_between() -> None:
    decoding = Decoding(Telling(), len(Telling.pieces))
    assert decoding.each(range(7)) == list(Telling.pieces)
    assert decoding.each([0, 0, 2]) == ["<s>", "<s>", "a<s>b"]
    assert decoding.each([]) == []


def test_a_token_is_what_the_text_grows_by(tokenizer: Any) -> None:
    """Whole characters; a part of one cannot be text."""
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    whole = [id for id in range(3, len(tokenizer)) if written(tokenizer, id)[1] is None]
    draw = random.Random(0)
    for prompt in ("the nurse", " the nurse", "   the", " ", "Möwe  ", "a"):
        ids = vocabulary.encode(prompt)
        for _ in range(40):
            new = draw.choices(whole, k=5)
            texts = [vocabulary.token(id).text for id in new]
            assert vocabulary.continued(prompt, ids, new) == prompt + "".join(texts)


@pytest.mark.parametrize("prompt", ["the nurse", "  the nurse", "Möwe "])
def test_a_generated_text_is_the_prompt_and_its_steps(tmp_path: Path, prompt: str) -> None:
    """Of a vocabulary without bytes, so that every step is whole."""
    tokenizer = SENTENCE_PIECE_LIKE["metaspace"]()
    debugger = Debugger.load(saved(tokenizer, tmp_path / "model"), device="cpu")
    generation = debugger.generate(prompt, max_new_tokens=8)
    assert len(generation.steps) == 8
    specials = set(tokenizer.all_special_ids)
    texts = [s.token.text for s in generation.steps if s.token.id not in specials]
    assert generation.text == prompt + "".join(texts)


def test_a_word_after_a_space_is_found_first(tokenizer: Any) -> None:
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    texts = [token.text for token in vocabulary.find("nurse", 50)]
    shown = [written(tokenizer, id) for id in range(len(tokenizer))]
    known = [text for text, hex in shown if hex is None]
    assert texts[0] == " nurse"
    assert set(texts) == {text for text in known if text.strip().lower().startswith("nurse")}
    assert [token.text for token in vocabulary.find("the", 2)][:1] == [
        text for text in (" the", "the") if text in known
    ][:1]


def test_after_the_spaced_word_comes_the_bare_one() -> None:
    tokenizer = SENTENCE_PIECE_LIKE["gemma"]()
    tokenizer.add_tokens(["nurse"])
    found = Vocabulary(tokenizer, len(tokenizer)).find("nurse", 3)
    assert [token.text for token in found[:2]] == [" nurse", "nurse"]
