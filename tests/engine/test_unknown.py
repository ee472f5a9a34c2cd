"""Tokenizers that do not know every word, and tokens that are bytes: what is said of them.

Expected ids and places are written down by hand from the little vocabularies below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import EmptyPrompt, NoTokens, UnknownWord
from lm_debugger.index import ModelIndex
from tests.models import random_model

SPACE = "\u2581"  # SentencePiece's

ROWS = 10**6
"""Of an embedding that has more than any of these tokenizers needs."""


def fast(model: Any, unknown: str | None = None, **parts: Any) -> PreTrainedTokenizerFast:
    """A tokenizer of a model and its normalizer, pre_tokenizer, decoder."""
    inner = Tokenizer(model)
    for name, part in parts.items():
        setattr(inner, name, part)
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token=unknown)


def numbered(pieces: Sequence[str]) -> dict[str, int]:
    return {piece: id for id, piece in enumerate(pieces)}


BERT = ["[UNK]", "今", "天", "good", "##ness"]
UNIGRAM = [("<unk>", 0.0), (SPACE, -2.0), ("好", -1.0), (f"{SPACE}good", -1.0)]
LETTERS = ["好", "g", "o", "d", "go"]

TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "WordPiece": lambda: fast(
        models.WordPiece(numbered(BERT), unk_token="[UNK]"), "[UNK]",
        normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
    ),
    "WordPiece, unnamed": lambda: fast(
        models.WordPiece(numbered(BERT), unk_token="[UNK]"),
        normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
    ),
    "words": lambda: fast(
        models.WordLevel(numbered(["[UNK]", "good", "今"]), unk_token="[UNK]"), "[UNK]",
        pre_tokenizer=pre_tokenizers.WhitespaceSplit(),
    ),
    "words, no unknown": lambda: fast(
        models.WordLevel(numbered(["good", "今"]), unk_token="[UNK]"),
        pre_tokenizer=pre_tokenizers.WhitespaceSplit(),
    ),
    "Unigram": lambda: fast(
        models.Unigram(UNIGRAM, unk_id=0), "<unk>",
        pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace(),
    ),
    "Unigram, unnamed": lambda: fast(
        models.Unigram(UNIGRAM, unk_id=0),
        pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace(),
    ),
    "BPE that drops": lambda: fast(models.BPE(numbered(LETTERS), [("g", "o")])),
    "BPE with unknown": lambda: fast(
        models.BPE(numbered([*LETTERS, "<unk>"]), [("g", "o")], unk_token="<unk>"), "<unk>"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "word", "missing"),
    [
        ("WordPiece", "今天", ()),
        ("WordPiece", "GOODness", ()),
        ("WordPiece", "龘", ("龘",)),
        ("WordPiece", "今龘", ("龘",)),
        ("WordPiece", "good龘 bad", ("龘", "bad")),
        ("WordPiece", "[UNK]", ()),
        ("WordPiece", "\u200b", ("\u200b",)),
        ("WordPiece, unnamed", "今龘", ("龘",)),
        ("words", "good", ()),
        ("words", "goodly", ("goodly",)),
        ("words, no unknown", "good", ()),
        ("words, no unknown", "good bad", ("bad",)),
        ("Unigram", "good 好", ()),
        ("Unigram", "好龘", ("龘",)),
        ("Unigram", "<unk>", ()),
        ("Unigram, unnamed", "好龘", ("龘",)),
        ("BPE that drops", "good", ()),
        ("BPE that drops", "龘龙good", ("龘龙",)),
        ("BPE that drops", "龘", ("龘",)),
        ("BPE that drops", "go, od", ()),
        ("BPE with unknown", "好龘", ("龘",)),
        ("BPE with unknown", "go od", (" ",)),
    ],
)
def test_what_the_tokens_do_not_write(name: str, word: str, missing: tuple[str, ...]) -> None:
    assert Vocabulary(TOKENIZERS[name](), ROWS).spell(word).missing == missing


def test_a_token_that_the_embedding_has_no_row_for_is_missing_too() -> None:
    """Training tools add a padding token and forget to resize the embedding."""
    tokenizer = TOKENIZERS["words"]()
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    assert Vocabulary(tokenizer, rows).spell("good [PAD]").missing == ("[PAD]",)
    assert Vocabulary(tokenizer, rows + 1).spell("good [PAD]").missing == ()


class WithoutPlaces:
    """A tokenizer in Python: it does not say where its tokens stand."""

    is_fast = False
    unk_token_id = 0
    _pieces = ("[UNK]", "good", "今")

    def __call__(self, text: str, add_special_tokens: bool, **_: bool) -> dict[str, list[int]]:
        known = numbered(self._pieces)
        return {"input_ids": [known.get(word, 0) for word in text.split()]}

    def convert_ids_to_tokens(self, id: int) -> str:
        return self._pieces[id]


def test_without_places_the_text_is_named() -> None:
    vocabulary = Vocabulary(WithoutPlaces(), ROWS)
    assert vocabulary.spell("good 今").missing == ()
    assert vocabulary.spell("[UNK]").missing == ()
    assert vocabulary.spell("good 龘").missing == ("good 龘",)


# --- what is looked for --------------------------------------------------------------------------


def save(tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    """A random model with that tokenizer."""
    rows = max(tokenizer.get_vocab().values()) + 1
    random_model({"vocab_size": max(rows, 60), "n_layer": 2}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def debugger(tmp_path_factory: pytest.TempPathFactory) -> Debugger:
    folder = tmp_path_factory.mktemp("unknown") / "model"
    letters = fast(
        models.WordPiece(numbered([*BERT, "a"]), unk_token="[UNK]"), "[UNK]",
        normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
    )  # fmt: skip
    return Debugger.load(str(save(letters, folder)), device="cpu")


@pytest.fixture(scope="module")
def index(debugger: Debugger, tmp_path_factory: pytest.TempPathFactory) -> ModelIndex:
    found = ModelIndex(debugger, tmp_path_factory.mktemp("cache"), n_clusters=2)
    assert found.build().state == "ready"
    return found


@pytest.mark.parametrize("words", ["龘", "good, 龘", "good, -龘", "今龘", "good 龘, bad"])
def test_no_search_takes_an_unknown_word_for_another(index: ModelIndex, words: str) -> None:
    keywords = words.replace("-", "")
    for search in (lambda: index.concepts.words(words), lambda: index.keywords(keywords)):
        with pytest.raises(UnknownWord, match=r"no tokens for .*龘") as failure:
            search()
        named = [part for parts in failure.value.details["words"].values() for part in parts]
        assert named == (["龘", "bad"] if "bad" in words else ["龘"])


def test_what_is_known_is_found(index: ModelIndex, debugger: Debugger) -> None:
    assert [[t.id for t in word.tokens] for word in index.concepts.words("good, -今天")] == [
        [3],
        [1, 2],
    ]
    assert index.keywords("good").total > 0
    # by its own name, the unknown token is what was meant
    assert [t.id for word in index.concepts.words("[UNK]") for t in word.tokens] == [0]
    assert index.keywords("[UNK]").total > 0
    assert [t.id for t in debugger.find_tokens("[UNK]")] == [0]


def test_no_unknown_token_is_offered_for_a_word(debugger: Debugger) -> None:
    with pytest.raises(UnknownWord, match="'龘' in '今龘'"):
        debugger.find_tokens("今龘")
    assert [t.text for t in debugger.find_tokens("goo")] == ["good"]  # the beginning of a word


def test_a_prompt_may_hold_what_is_unknown(debugger: Debugger) -> None:
    tokens = debugger.trace("今龘").tokens
    assert [(token.id, token.text) for token in tokens] == [(1, "今"), (0, "[UNK]")]


def test_empty_is_said_of_the_empty_prompt_only(debugger: Debugger) -> None:
    with pytest.raises(EmptyPrompt, match="empty"):
        debugger.trace("")
    for prompt in (" ", "\n\u200b"):  # BERT's normalizer drops them
        with pytest.raises(NoTokens, match="makes no token") as failure:
            debugger.trace(prompt)
        assert "empty" not in failure.value.message


def test_a_prompt_that_a_vocabulary_cannot_read_is_one_sentence() -> None:
    vocabulary = Vocabulary(TOKENIZERS["words, no unknown"](), ROWS)
    assert vocabulary.encode("good 今") == [0, 1]
    with pytest.raises(UnknownWord, match="cannot read 'bad'"):
        vocabulary.encode("good bad")


# --- tokens that are bytes -----------------------------------------------------------------------

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
FALLBACK = [("<unk>", 0.0), *((piece, -9.0) for piece in BYTES), (SPACE, -2.0)]


def fallback(*steps: Any) -> Vocabulary:
    model = models.Unigram(FALLBACK, unk_id=0, byte_fallback=True)
    return Vocabulary(
        fast(
            model, "<unk>", pre_tokenizer=pre_tokenizers.Metaspace(),
            decoder=decoders.Sequence([decoders.Replace(SPACE, " "), *steps, decoders.Fuse()]),
        ),
        ROWS,
    )  # fmt: skip


def test_byte_tokens_have_their_bytes_where_these_are_no_text() -> None:
    vocabulary = fallback(decoders.ByteFallback())
    tokens = [vocabulary.token(1 + byte) for byte in range(256)]
    assert [token.hex for token in tokens[:128]] == [None] * 128
    assert [token.text for token in tokens[:128]] == [chr(byte) for byte in range(128)]
    assert [token.hex for token in tokens[128:]] == [f"{byte:02x}" for byte in range(128, 256)]
    emoji = [vocabulary.token(id) for id in vocabulary.encode("😀")]
    assert bytes.fromhex("".join(token.hex or "" for token in emoji)) == "😀".encode()
    assert vocabulary.spell("龘").missing == ()


def test_a_name_of_a_byte_is_text_where_the_tokenizer_reads_it_so() -> None:
    vocabulary = fallback()
    token = vocabulary.token(1 + 0xF0)
    assert (token.text, token.hex) == ("<0xF0>", None)
