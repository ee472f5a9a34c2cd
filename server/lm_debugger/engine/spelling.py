"""Typed words -> token ids, for whatever looks for a word: searches, tokens to follow.

A prompt may hold what the tokenizer does not know: the model sees [UNK] there, and so it is traced.
A word that is looked for may not: [UNK] stands for every unknown word, so that what would be found
has nothing to do with the one that was typed. One rule for all: the words that cannot be written
are named, and nothing is looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from lm_debugger.errors import UnknownWord

_NOWHERE = "\U0010fffd"
"""A character that no vocabulary has: the last of those for private use."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text in tokens. `missing` are the parts of the text that the tokens do not write: read as
    the unknown token, or dropped."""

    ids: tuple[int, ...]
    missing: tuple[str, ...]


def spell_all(
    words: Sequence[str],
    spell: Callable[[str], Spelling],
    forms: Callable[[str], Sequence[str]],
) -> list[list[Spelling]]:
    """For each word those of its forms that the tokenizer can write, in their order.

    Args:
        spell: `Vocabulary.spell`.
        forms: ways to write a word; the first is the word itself.

    Raises:
        UnknownWord: no form of some words can be written; it names all of these words.
    """
    found = []
    unknown: dict[str, tuple[str, ...]] = {}
    for word in words:
        spellings = [spell(form) for form in dict.fromkeys(forms(word))]
        written = [spelling for spelling in spellings if not spelling.missing]
        if not written:
            unknown[word] = spellings[0].missing
        found.append(written)
    if unknown:
        refuse(unknown)
    return found


def refuse(unknown: Mapping[str, Sequence[str]]) -> NoReturn:
    """Raise UnknownWord.

    Args:
        unknown: words and the parts of them that cannot be written.
    """
    named = [
        ", ".join(map(repr, parts)) + ("" if list(parts) == [word] else f" in {word!r}")
        for word, parts in unknown.items()
    ]
    raise UnknownWord(
        f"This model has no tokens for {', '.join(named)}: its tokenizer reads that as unknown, "
        "leaves it out, or writes it in a token that the embedding has no row for. So nothing can "
        "be found by it.",
        words={word: list(parts) for word, parts in unknown.items()},
    )


def unknown_ids(tokenizer: Any) -> frozenset[int]:
    """What the tokenizer writes in place of what it does not know: none, or one id.

    A tokenizer without a word for it may still have a model that does so.
    """
    ids = {tokenizer.unk_token_id}
    model: Any = getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None)
    if isinstance(token := getattr(model, "unk_token", None), str):
        ids.add(model.token_to_id(token))
    elif model is not None:  # SentencePiece's kind does not tell, but does it
        with suppress(Exception):  # "unk_id is missing": it does not even do that
            tokens = model.tokenize(_NOWHERE)
            ids |= {token.id for token in tokens if model.id_to_token(token.id) != token.value}
    return frozenset(id for id in ids if id is not None)


def spelling(tokenizer: Any, text: str, unknown: frozenset[int], n_rows: int) -> Spelling:
    """A text in tokens, and what of it they do not write.

    Args:
        unknown: see `unknown_ids`.
        n_rows: of the embedding; a tokenizer may have more tokens.
    """
    try:
        ids, known = _read(tokenizer, text, unknown, n_rows)
    except Exception:  # a vocabulary without an unknown token: the library refuses the whole text
        ids, known = [], [False] * len(text)
        for word in re.finditer(r"\S+", text):
            with suppress(Exception):
                _, known[word.start() : word.end()] = _read(tokenizer, word[0], unknown, n_rows)
    dropped = {char for char in set(text) if not _is_kept(tokenizer, char)}
    written = [is_known and char not in dropped for char, is_known in zip(text, known, strict=True)]
    missing = _gaps(text, written)
    if not ids and not missing:
        missing = [text]
    return Spelling(tuple(ids), tuple(dict.fromkeys(missing)))


def _read(
    tokenizer: Any, text: str, unknown: frozenset[int], n_rows: int
) -> tuple[list[int], list[bool]]:
    """The tokens, and for each character whether it is not within an unknown one."""
    read = tokenizer(text, add_special_tokens=False, return_offsets_mapping=bool(tokenizer.is_fast))
    ids: list[int] = read["input_ids"]
    # Without places in the text it is not known more closely than: somewhere.
    places = read.get("offset_mapping") or [(0, len(text))] * len(ids)
    known = [True] * len(text)
    for id, (start, end) in zip(ids, places, strict=True):
        named = tokenizer.convert_ids_to_tokens(id) == text[start:end].strip()
        # By its own name, [UNK] is what was meant.
        if (id in unknown and not named) or id >= n_rows:
            known[start:end] = [False] * (end - start)
    return ids, known


def _is_kept(tokenizer: Any, char: str) -> bool:
    """Does the tokenizer make a token of it? What is no letter, digit or sign may be left out
    without leaving out a part of the word: spaces, punctuation, accents, what is invisible.

    Each character by itself: where some are dropped, the places of the others are not right.
    """
    if unicodedata.category(char)[0] not in "LNS":
        return True
    try:
        return bool(tokenizer(char, add_special_tokens=False)["input_ids"])
    except Exception:  # not known, which is another matter than dropped
        return True


def _gaps(text: str, written: Sequence[bool]) -> list[str]:
    """The stretches that are not written, bare of the spaces around them."""
    gaps: list[str] = []
    before = True
    for char, is_written in zip(text, written, strict=True):
        if not is_written:
            if before:
                gaps.append("")
            gaps[-1] += char
        before = is_written
    return [gap.strip() or gap for gap in gaps]
