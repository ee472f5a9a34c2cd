"""What each part of the network adds to a logit: the *exact* reading (rule 16).

The final state is a sum of parts,

    x = before_0 + sum_l FFN_l + sum_{l >= 1} attention_l,      FFN_l = sum_i m_i v_i + b_l,

and with the final norm's statistics frozen at x it is affine: for LayerNorm with weight w, bias b
and the standard deviation s of x (RMSNorm: without the mean and b; see `norms`),

    logit_t(x) = E_t · b + sum over parts p of  g_t · p,   g_t = (w ⊙ E_t - mean(w ⊙ E_t)) / s.

So the parts' contributions g_t · p add up to the logit. This reading is never mixed with the lens,
which gives every state its own statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Self

from lm_debugger.engine import weight
from lm_debugger.engine.checks import check_range
from lm_debugger.engine.nodes import NodeName, ValueId, name_of
from lm_debugger.engine.questions.base import Answer, AtOnePosition, Prompt, Runs
from lm_debugger.engine.readings import OF_EFFECTS, Reading
from lm_debugger.engine.tokens import Token

if TYPE_CHECKING:
    from torch import Tensor

    from lm_debugger.engine.adapters import Adapter
    from lm_debugger.engine.model import Model


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one sub-update m_i v_i adds to a logit, or to the difference of two (rule 16)."""

    layer: int
    dim: int
    node: NodeName
    coefficient: Annotated[float, "m_i, signed"]
    amount: Annotated[float, "what this sub-update adds"]

    @property
    def id(self) -> ValueId:
        """Whose it is."""
        return ValueId(self.layer, self.dim)


@dataclass(frozen=True, slots=True)
class Attribution(Answer):
    """total = base + start + sum(attention) + sum(ffn), final-norm statistics frozen (rule 16)."""

    model: str
    position: int
    token: Token
    against: Token | None
    total: Annotated[float, "the logit, or the difference of the two"]
    base: Annotated[float, "from the final norm's bias"]
    start: Annotated[float, "from the embeddings and the first block's attention"]
    attention: Annotated[tuple[float, ...], "from each block's attention, 0 for the first"]
    ffn: Annotated[tuple[float, ...], "from each block's FFN"]
    sub_updates: Annotated[
        tuple[Contribution, ...], "parts of all FFNs, largest absolute amount first"
    ]
    reading: Annotated[Reading, "how a part becomes an amount"] = OF_EFFECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(AtOnePosition[Attribution]):
    """Why a token, or why one rather than another? Of the edited run, if there is one."""

    token: Annotated[int, "id of the token: why this one?"]
    against: Annotated[int | None, "id of another: why not that one?"] = None
    top_k: Annotated[int, "sub-updates listed"] = 10

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidInput."""
        top_k = check_range("top_k", self.top_k, model.limits.max_top_k)
        token = model.token_id(self.token)
        against = None if self.against is None else model.token_id(self.against)
        known = replace(self, token=token, against=against, top_k=top_k)
        return AtOnePosition.checked(known, model, prompt)

    def weight(self, shape: weight.Shape) -> int:
        """K sub-updates, and two numbers a layer."""
        n = min(self.top_k, shape.n_layers * shape.ffn_width)
        return n * weight.LISTED + 2 * weight.NUMBER * shape.n_layers

    def answer(self, model: Model, runs: Runs) -> Attribution:
        """Of the states [L, D] before and after every FFN, and the coefficients [L, F]."""
        import torch

        from lm_debugger.engine.lens import top_k

        run, adapter = runs.edited, model.adapter
        before, after = model.states(run, self.columns)[:, :, 0].float().unbind(dim=1)  # [L, D]
        ids = [self.token] if self.against is None else [self.token, self.against]
        direction, base = frozen_direction(adapter, after[-1], ids)
        attention = (before[1:] - after[:-1]) @ direction  # [L - 1]
        readings = [
            adapter.value_directions(l).float() @ direction for l in range(adapter.n_layers)
        ]
        coefficients = model.coefficients(run, self.columns)[:, 0]  # [L, F]
        written = model.written(run, self.columns)[:, 0]  # [L, F]
        amounts = (written * torch.stack(readings)).flatten()  # [L * F]
        _, chosen = top_k(amounts.abs().unsqueeze(0), self.top_k)
        every = coefficients.flatten()
        return Attribution(
            model=model.name,
            position=self.position,
            token=model.token(self.token),
            against=None if self.against is None else model.token(self.against),
            total=float(base + after[-1] @ direction),
            base=float(base),
            start=float(before[0] @ direction),
            attention=(0.0, *attention.tolist()),
            ffn=tuple(((after - before) @ direction).tolist()),
            sub_updates=tuple(
                _contribution(
                    divmod(number, adapter.ffn_width), float(every[number]), float(amounts[number])
                )
                for number in chosen[0].tolist()
            ),
        )


def _contribution(at: tuple[int, int], coefficient: float, amount: float) -> Contribution:
    return Contribution(*at, name_of("value", *at), coefficient, amount)


def frozen_direction(adapter: Adapter, state: Tensor, ids: Sequence[int]) -> tuple[Tensor, Tensor]:
    """g [D] and the constant of a token's logit before any softcap, or of the difference of two
    tokens', at a final state [D] (rules 16 and 23)."""
    rows = adapter.unembedding[[*ids]].float()
    row = rows[0] - rows[1] if len(rows) == 2 else rows[0]  # [D]
    norm, base = adapter.final, row.new_zeros(())
    if norm.bias is not None:
        base = base + row @ norm.bias.float()
    if adapter.unembedding_bias is not None:
        biases = adapter.unembedding_bias[[*ids]].float()
        base = base + (biases[0] - biases[1] if len(biases) == 2 else biases[0])
    return norm.pull_back(row) * norm.inverse(state), base
