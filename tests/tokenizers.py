"""Small tokenizers of the kinds that models have, made of one text: real ones, of the tokenizers
library, with a vocabulary that can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

SPACE = "\u2581"
"""SentencePiece's."""
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
TEXT = [
    "The nurse said that the nurses are here. A Nurse is not the nurse, and the other one said",
    "it is  in  the  garden; the gardener saw   the nurse.   Möwen, Möwe, naïve.",
]
_SPECIAL = ["<unk>", "<s>", "</s>"]


def llama_like() -> Any:
    """BPE with byte fallback; a space is put before a text, and stripped by the decoder."""
    return _bpe(
        {"pre_tokenizer": pre_tokenizers.Metaspace(prepend_scheme="first", split=False)},
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(),
         decoders.Strip(" ", 1, 0)],
    )  # fmt: skip


def gemma_like() -> Any:
    """BPE with byte fallback; nothing is put before a text."""
    return _bpe(
        {"normalizer": normalizers.Replace(" ", SPACE),
         "pre_tokenizer": pre_tokenizers.Split(" ", "merged_with_previous")},
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()],
    )  # fmt: skip


def metaspace() -> Any:
    """Unigram with a Metaspace decoder; no bytes, and nothing begins a text."""
    inner = Tokenizer(models.Unigram())
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=_SPECIAL, unk_token="<unk>", show_progress=False
    )
    inner.train_from_iterator(TEXT, trainer)
    return _fast(inner)


def byte_level(*, bos: bool) -> Any:
    """GPT-2's kind; as it is, or begun by "<s>"."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(TEXT, trainer)
    if bos:
        _begin(inner, "<s> $A")
    return _fast(inner)


def word_piece() -> Any:
    """BERT's kind: its decoder puts spaces between tokens, its frame is [CLS] and [SEP]."""
    pieces = ["[UNK]", "[CLS]", "[SEP]", "the", "nurse", "##s", "a", "good"]
    vocabulary = {piece: id for id, piece in enumerate(pieces)}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    inner.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


SENTENCE_PIECE_LIKE: dict[str, Callable[[], Any]] = {
    "llama": llama_like,
    "gemma": gemma_like,
    "metaspace": metaspace,
}


def _bpe(parts: dict[str, Any], decoder: list[Any]) -> Any:
    trained = Tokenizer(models.BPE())
    # Runs of spaces are tokens, too, as in the vocabularies of such models.
    trained.normalizer = normalizers.Replace(" ", SPACE)
    trained.pre_tokenizer = pre_tokenizers.Split(SPACE, "merged_with_next")
    trained.train_from_iterator(
        [*TEXT, *(6 * [4 * SPACE])], trainers.BpeTrainer(vocab_size=200, show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    merged = [(SPACE, SPACE), *(tuple(pair) for pair in model["merges"])]
    pieces = dict.fromkeys([*_SPECIAL, *BYTES, *model["vocab"], 2 * SPACE])
    inner = Tokenizer(
        models.BPE(
            {piece: id for id, piece in enumerate(pieces)}, merged,
            unk_token="<unk>", fuse_unk=True, byte_fallback=True,
        )
    )  # fmt: skip
    for name, part in parts.items():
        setattr(inner, name, part)
    inner.decoder = decoders.Sequence(decoder)
    _begin(inner, "<s> $A")
    return _fast(inner)


def _begin(inner: Tokenizer, template: str) -> None:
    named = [(piece, inner.token_to_id(piece)) for piece in ("<s>", "</s>") if piece in template]
    step = processors.TemplateProcessing(single=template, special_tokens=named)
    before = inner.post_processor
    inner.post_processor = processors.Sequence([before, step]) if before else step


def _fast(inner: Tokenizer) -> Any:
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
