"""What the index takes from a model, and all that it knows of one beside its banks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Four parts of one loaded model.

    Attributes:
        unembedding: E, [V, D].
        vocabulary: ids to text and back.
        gate: whose turn it is to use the processor: searches take a turn, builds let others go
            first.
    """

    unembedding: Tensor
    vocabulary: Vocabulary
    gate: Gate

    @classmethod
    def of(cls, debugger: Debugger) -> Self:
        """That of a loaded model."""
        return cls(debugger.adapter.unembedding, debugger.vocabulary, debugger.gate)
