"""The entries of the vocabulary that a typed text may mean: " nurse" and "nurse" for "nurse", then
what begins so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from lm_debugger.engine import weight
from lm_debugger.engine.checks import check_range, check_text
from lm_debugger.engine.questions.base import Answer, OfModel
from lm_debugger.engine.tokens import Token

if TYPE_CHECKING:
    from lm_debugger.engine.model import Model


@dataclass(frozen=True, slots=True)
class Tokens(Answer):
    """Entries of the vocabulary."""

    model: str
    tokens: Annotated[tuple[Token, ...], "the likeliest meant first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(OfModel[Tokens]):
    """Which tokens may be meant by a text?"""

    needs_turn: ClassVar[bool] = False

    q: Annotated[str, "the text", {"example": "nurse"}]
    n: Annotated[int, "tokens listed", {"minimum": 1}] = 10

    def checked(self, model: Model) -> Self:
        """Raises OutOfRange, InvalidInput."""
        n = check_range("n", self.n, model.limits.max_top_k)
        return replace(self, q=check_text("What is looked for", self.q), n=n)

    def weight(self, shape: weight.Shape) -> int:
        """n tokens."""
        return min(self.n, shape.vocab_size) * weight.TOKEN

    def answer(self, model: Model) -> Tokens:
        """Raises UnknownWord: none begins so, and the tokenizer can write it as unknown only."""
        return Tokens(model.name, model.vocabulary.find(self.q, self.n))
