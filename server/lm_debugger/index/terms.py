"""The vocabulary as a search engine sees it: lower-cased terms (rule 17).

The reference lower-cases raw pieces and lets a keyword w match w, Ġw and Ċw. Pieces of words
outside ASCII are unreadable byte names, so terms are made of decoded text here, where Ġ is a space
and Ċ a newline; for ASCII the two are the same. A token that is no valid UTF-8 by itself stands
for its bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lm_debugger.engine.spelling import Spelling, spell_all
from lm_debugger.engine.types import Token
from lm_debugger.engine.vocabulary import Vocabulary


class Terms:
    """Term ids of a vocabulary.

    Attributes:
        of_token: [V], int32, the term of each token.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._ids: dict[str, int] = {}
        of_token = [
            self._ids.setdefault(_term(token), len(self._ids)) for token in vocabulary.every()
        ]
        self.of_token: NDArray[np.int32] = np.array(of_token, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._ids)

    def groups(self, keywords: Sequence[str]) -> list[list[tuple[int, ...]]]:
        """The ways in which a vector can match each keyword: any group, all terms of the group.

        A keyword in the vocabulary gives groups of one term, for w, Ġw and Ċw. A word that is
        several tokens gives one group for each way in which it is spelled out: as typed, lower,
        capitalised or upper case, with and without a leading space.

        Raises:
            UnknownWord: some keywords are not in the vocabulary, nor can the tokenizer spell them.
        """
        whole = {keyword: self._whole(keyword.lower()) for keyword in keywords}
        rest = [keyword for keyword in keywords if not whole[keyword]]
        spelled = spell_all(rest, self._vocabulary.spell, _forms)
        groups = dict(zip(rest, map(self._spelled_out, spelled), strict=True))
        return [whole[keyword] or groups[keyword] for keyword in keywords]

    def _whole(self, word: str) -> list[tuple[int, ...]]:
        terms = [self._ids.get(prefix + word) for prefix in ("", " ", "\n")]
        return [(term,) for term in terms if term is not None]

    def _spelled_out(self, spellings: Sequence[Spelling]) -> list[tuple[int, ...]]:
        groups = dict.fromkeys(self._terms(spelling.ids) for spelling in spellings)
        return [group for group in groups if group]

    def _terms(self, ids: Sequence[int]) -> tuple[int, ...]:
        visible = [id for id in ids if self._vocabulary.token(id).text.strip()]
        return tuple(sorted({int(self.of_token[id]) for id in visible}))


def _forms(keyword: str) -> list[str]:
    word = keyword.lower()
    cases = dict.fromkeys([keyword, word, word.capitalize(), word.upper()])
    return [*cases, *(f" {case}" for case in cases)]


def _term(token: Token) -> str:
    return token.text.lower() if token.hex is None else f"\0{token.hex}"
