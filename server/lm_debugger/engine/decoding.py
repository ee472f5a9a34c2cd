"""Single tokens as text, asked of the tokenizer's own decoder (rule 5).

Some decoders take away the space that begins a text, which is right for a text and wrong for a
token: Llama's "▁the" is " the" wherever it stands but at the beginning. So a token is decoded
between two others that are known, and many are decoded at once, each between two.

That takes a decoder that puts texts one after the other. Of one that does not (WordPiece's spaces
come between its tokens and belong to none) the decoding of the id alone is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

_TRIED = 1000
"""Ids that may be the one between, from the end of the vocabulary: those there are rare."""


class Decoding:
    """What a tokenizer makes of ids."""

    def __init__(self, tokenizer: Any, n_rows: int) -> None:
        self._tokenizer = tokenizer
        self._n_rows = n_rows

    def together(self, ids: Sequence[int], *, skip_special: bool = False) -> str:
        """The text of several tokens, spaces untouched."""
        text: str = self._tokenizer.decode(
            list(ids), skip_special_tokens=skip_special, clean_up_tokenization_spaces=False
        )
        return text

    def each(self, ids: Sequence[int]) -> list[str]:
        """The text of every one of some tokens."""
        if self._between is None:
            return [self.together([id]) for id in ids]
        between, text = self._between
        others = iter(self._apart([id for id in ids if id != between]))
        return [text if id == between else next(others) for id in ids]

    def _apart(self, ids: Sequence[int]) -> list[str]:
        assert self._between is not None
        between, text = self._between
        asked = [between] * (2 * len(ids) + 1)
        asked[1::2] = ids
        whole = self.together(asked)
        parts = whole.split(text)
        if len(parts) == len(ids) + 2:
            return parts[1:-1]
        if len(ids) == 1:  # one that has that text in its own
            return [whole[len(text) : len(whole) - len(text)]]
        half = len(ids) // 2
        return self._apart(ids[:half]) + self._apart(ids[half:])

    @cached_property
    def _between(self) -> tuple[int, str] | None:
        """An id that is the same text wherever it stands, and that text."""
        last = min(len(self._tokenizer), self._n_rows) - 1
        for id in (*self._tokenizer.all_special_ids, *range(last, max(-1, last - _TRIED), -1)):
            text = self.together([id])
            if not text or text != text.strip() or "\ufffd" in text:
                continue
            if self.together([id, id]) == text + text:
                return id, text
        return None
