"""What a self-check finds; how, is `selfcheck`'s business (rule 25)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Equality:
    """Two ways to the same numbers, and how far apart they are."""

    name: str
    meaning: Annotated[str, "what should be equal"]
    error: Annotated[float, "their largest distance, over the largest value"]


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How well the engine understands a model, found when it was loaded."""

    error: Annotated[float, "the worst of all"]
    equalities: tuple[Equality, ...]
    seconds: Annotated[float, "that it took"]


MEANING = {
    "walk": "the engine's way through the blocks ends where transformers' own pass does",
    "blocks": "what attention and FFN add to the residual is what the block adds",
    "coefficients": "the activation of what goes into an FFN, times its gate, is the coefficients",
    "values": "the value vectors times their coefficients, with the bias, are the FFN's output",
    "pattern": "the attention pattern times the values is what heads pass on",
    "heads": "the heads' writes, with the bias, are the attention's output",
    "prediction": "the last state, read through the final norm, gives transformers' own logits",
}
