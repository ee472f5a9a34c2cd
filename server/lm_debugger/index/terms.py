"""The vocabulary as a search engine sees it: lower-cased terms (rule 17).

The reference lower-cases raw pieces and lets a keyword w match w, Ġw and Ċw. Pieces of words
outside ASCII are unreadable byte names, so terms are made of decoded text here, where Ġ is a space
and Ċ a newline; for ASCII the two are the same. A token that is no valid UTF-8 by itself stands
for its bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lm_debugger.engine.types import Token
from lm_debugger.engine.vocabulary import Vocabulary


class Terms:
    """Term ids of a vocabulary.

    Attributes:
        of_token: [V], int32, the term of each token.
    """

    def __init__(self, vocabulary: Vocabulary, vocab_size: int) -> None:
        self._vocabulary = vocabulary
        self._ids: dict[str, int] = {}
        of_token = [
            self._ids.setdefault(_term(vocabulary.token(id)), len(self._ids))
            for id in range(vocab_size)
        ]
        self.of_token: NDArray[np.int32] = np.array(of_token, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._ids)

    def groups(self, keyword: str) -> list[tuple[int, ...]]:
        """The ways in which a vector can match a keyword: any group, all terms of the group.

        A keyword in the vocabulary gives groups of one term, for w, Ġw and Ċw. A word that is
        several tokens gives one group for each way in which it is spelled out: as typed, lower,
        capitalised or upper case, with and without a leading space.
        """
        word = keyword.lower()
        whole = [self._ids.get(prefix + word) for prefix in ("", " ", "\n")]
        if any(term is not None for term in whole):
            return [(term,) for term in whole if term is not None]
        spellings = dict.fromkeys([keyword, word, word.capitalize(), word.upper()])
        groups = dict.fromkeys(
            self._spell_out(space + spelling) for spelling in spellings for space in (" ", "")
        )
        return [group for group in groups if group]

    def _spell_out(self, text: str) -> tuple[int, ...]:
        tokens = self._vocabulary.encode(text)
        visible = [id for id in tokens if self._vocabulary.token(id).text.strip()]
        return tuple(sorted({int(self.of_token[id]) for id in visible}))


def _term(token: Token) -> str:
    return token.text.lower() if token.hex is None else f"\0{token.hex}"
