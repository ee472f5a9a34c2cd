"""What several answers have in common: tokens with a number, and parts named by their layer and
dimension. Flat, as they are sent: an entry of a list says by itself what it is about.

What a field means is told beside it, once, as the second part of its `Annotated`: the API's
document and its requests are made of that. What a third part says, the document says too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from lm_debugger.engine.nodes import NodeName, ValueId

Decoded: TypeAlias = Annotated[str, "the tokenizer's decoding of this one id"]
Hex: TypeAlias = Annotated[str | None, "its bytes, where they are not valid UTF-8 by themselves"]


@dataclass(frozen=True, slots=True)
class Token:
    """One entry of the vocabulary.

    `hex` ("e2 80") is there where `text` shows replacement characters.
    """

    id: int
    text: Decoded
    hex: Hex = None


@dataclass(frozen=True, slots=True)
class TokenProb:
    """A token and its probability in [0, 1]."""

    id: int
    text: Decoded
    hex: Hex
    prob: float

    @classmethod
    def of(cls, token: Token, prob: float) -> TokenProb:
        """A token with its probability."""
        return cls(token.id, token.text, token.hex, prob)

    @property
    def token(self) -> Token:
        """The token alone."""
        return Token(self.id, self.text, self.hex)


@dataclass(frozen=True, slots=True)
class TokenLogit:
    """A token and a logit (unbounded, rule 7)."""

    id: int
    text: Decoded
    hex: Hex
    piece: Annotated[str, "raw vocabulary piece, e.g. Ġman"]
    logit: float

    @classmethod
    def of(cls, token: Token, piece: str, logit: float) -> TokenLogit:
        """A token with its piece and a logit."""
        return cls(token.id, token.text, token.hex, piece, logit)

    @property
    def token(self) -> Token:
        """The token alone."""
        return Token(self.id, self.text, self.hex)


@dataclass(frozen=True, slots=True)
class SubUpdate:
    """m_i v_i (rule 6)."""

    layer: int
    dim: int
    node: NodeName
    coefficient: Annotated[float, "m_i, signed"]
    score: Annotated[float, "|m_i| · ||v_i||_2"]

    @property
    def id(self) -> ValueId:
        """Whose it is."""
        return ValueId(self.layer, self.dim)
