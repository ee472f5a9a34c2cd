"""All sub-updates of one layer, as many as are wanted: what each pushes up and down, its share of
the layer's scores (rule 6), and its direct effect on a token (rule 16).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from lm_debugger.engine import weight
from lm_debugger.engine.checks import check_range
from lm_debugger.engine.nodes import NodeName, ValueId, name_of
from lm_debugger.engine.questions.attribute import frozen_direction
from lm_debugger.engine.questions.base import Answer, AtOnePosition, Prompt, Runs
from lm_debugger.engine.readings import OF_WRITES, Reading
from lm_debugger.engine.tokens import SubUpdate, Token, TokenLogit
from lm_debugger.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

    from lm_debugger.engine.model import Model


@dataclass(frozen=True, slots=True)
class SubUpdateDetail:
    """A sub-update m_i v_i with what it does to the vocabulary."""

    layer: int
    dim: int
    node: NodeName
    coefficient: Annotated[float, "m_i, signed"]
    unedited_coefficient: Annotated[float, "the same without interventions"]
    score: Annotated[float, "|m_i| · ||v_i||_2"]
    share: Annotated[float, "its score over the sum of all scores of the layer"]
    effect: Annotated[float | None, "contribution to the logit or lead (rule 16)"]
    up: Annotated[tuple[TokenLogit, ...], "largest entries of E (m v), largest first"]
    down: Annotated[tuple[TokenLogit, ...], "smallest entries of E (m v), smallest first"]

    @property
    def id(self) -> ValueId:
        """Whose it is."""
        return ValueId(self.layer, self.dim)

    @property
    def sub_update(self) -> SubUpdate:
        """As a trace lists it."""
        return SubUpdate(self.layer, self.dim, self.node, self.coefficient, self.score)


@dataclass(frozen=True, slots=True)
class SubUpdates(Answer):
    """Of the edited run, if there are interventions."""

    model: str
    position: int
    layer: int
    n_sub_updates: Annotated[int, "how many the layer has (its FFN width)"]
    token: Annotated[Token | None, "whose logit is affected"]
    against: Annotated[Token | None, "over which it leads"]
    sub_updates: tuple[SubUpdateDetail, ...]
    reading: Annotated[Reading, "how `up` and `down` are read"] = OF_WRITES


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(AtOnePosition[SubUpdates]):
    """What do the sub-updates of one layer do? The first by `sort`, ties by lower dimension."""

    layer: Annotated[int, "0-based layer"]
    top_k: Annotated[int, "sub-updates listed"] = 50
    sort: Annotated[
        Literal["score", "effect"], "largest score, or largest absolute effect on `token`, first"
    ] = "score"
    token: Annotated[int | None, "id: the effect on this token's logit"] = None
    against: Annotated[int | None, "id: the effect on its lead over this one"] = None
    n_tokens: Annotated[int, "tokens listed that a sub-update pushes up, and down"] = 3

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidInput."""
        most = model.limits.max_top_k
        if self.sort not in ("score", "effect"):
            raise InvalidInput(f'sort must be "score" or "effect", not {self.sort!r}.')
        if self.token is None and (self.against is not None or self.sort == "effect"):
            raise InvalidInput("Name the token whose logit the sub-updates are to affect.")
        token, against = (
            None if id is None else model.token_id(id) for id in (self.token, self.against)
        )
        known = replace(
            self,
            layer=model.value(self.layer, 0).layer,
            top_k=check_range("top_k", self.top_k, most),
            n_tokens=check_range("n_tokens", self.n_tokens, most),
            token=token,
            against=against,
        )
        return AtOnePosition.checked(known, model, prompt)

    def weight(self, shape: weight.Shape) -> int:
        """K sub-updates, each with so many tokens that it pushes up, and down."""
        tokens = 2 * min(self.n_tokens, shape.vocab_size)
        return min(self.top_k, shape.ffn_width) * (weight.DETAIL + tokens * weight.TOKEN_LOGIT)

    def answer(self, model: Model, runs: Runs) -> SubUpdates:
        """Of one layer's coefficients [F] and values [F, D]."""
        ids = [id for id in (self.token, self.against) if id is not None]
        return SubUpdates(
            model=model.name,
            position=self.position,
            layer=self.layer,
            n_sub_updates=model.adapter.ffn_width,
            token=None if self.token is None else model.token(self.token),
            against=None if self.against is None else model.token(self.against),
            sub_updates=tuple(
                SubUpdateDetail(
                    self.layer, dim, name_of("value", self.layer, dim),
                    m, plain, score, share, effect,
                    model.vocabulary.logits(up_ids, up),
                    model.vocabulary.logits(down_ids, [-x for x in down]),
                )
                for dim, m, plain, score, share, effect, up, up_ids, down, down_ids in self._table(
                    model, runs, ids
                )
            ),
        )  # fmt: skip

    def _table(self, model: Model, runs: Runs, ids: list[int]) -> Iterator[tuple[Any, ...]]:
        """One row per sub-update that is listed."""
        import torch

        from lm_debugger.engine.lens import top_k

        layer = self.layer
        coefficients = model.coefficients(runs.edited, self.columns)[layer, 0]  # [F]
        written = model.written(runs.edited, self.columns)[layer, 0]  # [F]
        scores = written.abs() * model.norms[layer]
        values = model.adapter.value_directions(layer).float()  # [F, D]
        effects: Tensor | None = None
        if ids:
            final = model.states(runs.edited, self.columns)[-1, 1, 0].float()
            direction, _ = frozen_direction(model.adapter, final, ids)
            effects = written * (values @ direction)  # [F]
        key = scores if self.sort == "score" or effects is None else effects.abs()
        dims = top_k(key.unsqueeze(0), self.top_k)[1][0]  # [K]
        logits = model.lens.unembed(written[dims].unsqueeze(1) * values[dims])  # [K, V]
        ends = [top_k(logits, self.n_tokens), top_k(-logits, self.n_tokens)]
        before = model.coefficients(runs.unedited, self.columns)[layer, 0]
        total = scores.sum().clamp_min(torch.finfo(scores.dtype).tiny)
        return zip(
            dims.tolist(),
            coefficients[dims].tolist(),
            before[dims].tolist(),
            scores[dims].tolist(),
            (scores[dims] / total).tolist(),
            [None] * len(dims) if effects is None else effects[dims].tolist(),
            *(end.tolist() for pair in ends for end in pair),
            strict=True,
        )
