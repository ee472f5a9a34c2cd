"""What a value vector promotes and suppresses: both ends of E · v_i (rule 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Self

from lm_debugger.engine import weight
from lm_debugger.engine.checks import check_range
from lm_debugger.engine.nodes import NodeName, ValueId, name_of
from lm_debugger.engine.questions.base import Answer, OfModel
from lm_debugger.engine.readings import OF_WRITES, Reading
from lm_debugger.engine.tokens import Token, TokenLogit

if TYPE_CHECKING:
    from lm_debugger.engine.model import Model


@dataclass(frozen=True, slots=True)
class Projection(Answer):
    """What one value vector promotes and suppresses (rule 7)."""

    model: str
    layer: int
    dim: int
    node: NodeName
    norm: Annotated[float, "||v||_2"]
    promoted: Annotated[tuple[TokenLogit, ...], "largest logit first"]
    suppressed: Annotated[tuple[TokenLogit, ...], "smallest logit first"]
    reading: Annotated[Reading, "how the tokens are read"] = OF_WRITES

    @property
    def id(self) -> ValueId:
        """The value vector."""
        return ValueId(self.layer, self.dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(OfModel[Projection]):
    """What does a value vector promote and suppress?"""

    layer: Annotated[int, "0-based layer", {"minimum": 0}]
    dim: Annotated[int, "0-based dimension", {"minimum": 0}]
    top_k: Annotated[int, "tokens at each end", {"minimum": 1}] = 50

    def checked(self, model: Model) -> Self:
        """Raises UnknownLayer, UnknownDimension, OutOfRange."""
        at = model.value(self.layer, self.dim)
        top_k = check_range("top_k", self.top_k, model.limits.max_top_k)
        return replace(self, layer=at.layer, dim=at.dim, top_k=top_k)

    def weight(self, shape: weight.Shape) -> int:
        """Tokens at both ends."""
        return 2 * min(self.top_k, shape.vocab_size) * weight.TOKEN_LOGIT

    def answer(self, model: Model) -> Projection:
        """Of logits [1, V]."""
        from lm_debugger.engine.lens import top_k

        vector = model.adapter.value_directions(self.layer)[self.dim].float()
        logits = model.lens.unembed(vector.unsqueeze(0))
        (highest, promoted), (lowest, suppressed) = (
            (values[0].tolist(), ids[0].tolist())
            for values, ids in (top_k(logits, self.top_k), top_k(-logits, self.top_k))
        )
        return Projection(
            model=model.name,
            layer=self.layer,
            dim=self.dim,
            node=name_of("value", self.layer, self.dim),
            norm=float(vector.norm()),
            promoted=model.vocabulary.logits(promoted, highest),
            suppressed=model.vocabulary.logits(suppressed, [-x for x in lowest]),
        )


def promoted(model: Model, values: Sequence[ValueId], n: int) -> list[tuple[Token, ...]]:
    """The n tokens that each of some value vectors promotes most, as a `Projection` has them; many
    at once, and a turn of the model for each block of them.

    Raises:
        UnknownLayer, UnknownDimension, OutOfRange.
        Busy: too many requests wait for the model.
    """
    for at in values:
        model.value(at.layer, at.dim)
    check_range("top_k", n, model.limits.max_top_k)
    found: list[tuple[Token, ...]] = []
    if not values:
        return found
    import torch

    from lm_debugger.engine.lens import top_k

    with torch.inference_mode():
        vectors = [model.adapter.value_directions(at.layer)[at.dim].float() for at in values]
        for rows in model.lens.blocks(torch.stack(vectors)):
            with model.gate:  # which asks whether the answer is still wanted
                ids = top_k(model.lens.unembed(rows), n)[1].tolist()
            found += map(model.tokens, ids)
    return found
