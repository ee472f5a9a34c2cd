"""How large an answer will be, before anything of it is computed.

What a request may ask for multiplies: positions x layers x K x runs. Each question's product is
here, with what one item of each kind takes as the JSON that the API sends, rounded up (tests hold
that no answer is heavier, a trace at most 15 % lighter, another at most a third of what was said).
The values in memory are some ten times that.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_debugger.errors import AnswerTooLarge

TOKEN = 60
"""Bytes of {"id":50256,"text":" nurse","hex":null} and the like."""
NUMBER = 25
"""Of a number with its comma."""
_TOKEN_PROB = TOKEN + 12
_TOKEN_LOGIT = TOKEN + 55
_TOKEN_CHANGE = TOKEN + 50
_SUB_UPDATE = 88
_LISTED = 100
_DETAIL = 220
_STATE = 45
_LAYER = 75
_POSITION = 40
_STEP = 80 + TOKEN


def check(n_bytes: int, maximum_mb: int | None) -> None:
    """May an answer be so large?

    Args:
        maximum_mb: in 10^6 bytes; None: any size.

    Raises:
        AnswerTooLarge: no; it names both sizes.
    """
    if maximum_mb is None or n_bytes <= maximum_mb * 10**6:
        return
    raise AnswerTooLarge(
        f"The answer would take about {n_bytes / 1e6:,.1f} MB; at most {maximum_mb} MB are "
        "allowed. Ask for fewer positions, tokens or sub-updates at a time.",
        megabytes=round(n_bytes / 1e6, 1),
        maximum=maximum_mb,
    )


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of the answers of one model.

    Attributes:
        n_layers, ffn_width, vocab_size: L, F, V.
    """

    n_layers: int
    ffn_width: int
    vocab_size: int

    def trace(self, n_positions: int, top_k: int, *, edited: bool, compared: int = 0) -> int:
        """Of P positions: one run, or two and what they differ in.

        Args:
            compared: tokens that the comparisons list, all together. Each lists K to 2 K, which
                only the runs can tell; so it is K before they are there.
        """
        tokens, updates = min(top_k, self.vocab_size), min(top_k, self.ffn_width)
        layer = 2 * (_STATE + tokens * _TOKEN_PROB) + updates * _SUB_UPDATE + _LAYER
        run = n_positions * (_POSITION + self.n_layers * layer)
        if not edited:
            return run
        listed = max(compared, 2 * n_positions * self.n_layers * tokens)
        beside = n_positions * (_POSITION + self.n_layers * (2 * _STATE + _LAYER))
        return 2 * run + beside + listed * _TOKEN_CHANGE

    def grid(self, n_positions: int, *, edited: bool) -> int:
        """Of P columns in one run or two, and the tokens that they name."""
        runs = 2 if edited else 1
        cells = 2 * self.n_layers * n_positions
        named = min(runs * cells, self.vocab_size)
        return cells * NUMBER * (3 * runs + (runs - 1)) + named * TOKEN

    def follow(self, n_tokens: int, *, edited: bool) -> int:
        """Of some tokens in one run or two."""
        return (2 if edited else 1) * n_tokens * (TOKEN + 3 * NUMBER * 2 * self.n_layers)

    def sub_updates(self, top_k: int, n_tokens: int) -> int:
        """Of K sub-updates, each with so many tokens that it pushes up, and down."""
        tokens = 2 * min(n_tokens, self.vocab_size)
        return min(top_k, self.ffn_width) * (_DETAIL + tokens * _TOKEN_LOGIT)

    def attribute(self, top_k: int) -> int:
        """Of K sub-updates, and two numbers a layer."""
        n = min(top_k, self.n_layers * self.ffn_width)
        return n * _LISTED + 2 * NUMBER * self.n_layers

    def generation(self, n_steps: int, alternatives: int) -> int:
        """Of so many steps, each with its alternatives."""
        return n_steps * (_STEP + min(alternatives, self.vocab_size) * _TOKEN_PROB)

    def projection(self, top_k: int) -> int:
        """Of a value vector's tokens at both ends."""
        return 2 * min(top_k, self.vocab_size) * _TOKEN_LOGIT

    def vectors(self, n: int, n_tokens: int) -> int:
        """Of n value vectors that are listed with so many of their tokens each."""
        return n * (_LISTED + n_tokens * _TOKEN_LOGIT)
