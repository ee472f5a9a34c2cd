"""How large an answer will be, before anything of it is computed.

What a request may ask for multiplies: positions x layers x K x runs. Each question tells its own
product (`Question.weight`), in what one item of each kind takes as the JSON that the API sends,
rounded up (tests hold that no answer is heavier, a trace at most 15 % lighter, another at most a
third of what was said). The values in memory are some ten times that.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_debugger.errors import AnswerTooLarge

TOKEN = 60
"""Bytes of {"id":50256,"text":" nurse","hex":null} and the like."""
NUMBER = 25
"""Of a number with its comma."""
TOKEN_PROB = TOKEN + 12
TOKEN_LOGIT = TOKEN + 55
TOKEN_CHANGE = TOKEN + 50
SUB_UPDATE = 106
LISTED = 120
DETAIL = 240
STATE = 45
LAYER = 75
POSITION = 40
STEP = 80 + TOKEN


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model its answers grow with: L, F, V."""

    n_layers: int
    ffn_width: int
    vocab_size: int


def vectors(n: int, n_tokens: int) -> int:
    """Of n value vectors that are listed with so many of their tokens each."""
    return n * (LISTED + n_tokens * TOKEN_LOGIT)


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
