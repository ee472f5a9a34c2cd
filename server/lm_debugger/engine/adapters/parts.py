"""The names of a model's parts, and how they are found by them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the parts of a model are: `backbone` of the model, `blocks` and `final_norm` of the
    backbone, all others of a block. "" is what a family does not have.

    Attributes:
        backbone: token ids [B, T] -> `last_hidden_state` [B, T, D], final norm applied.
        out: W_O; its input are the heads' z, side by side.
        ffn_norm: reads the residual before the FFN.
        up: of the FFN, what the activation is applied to, or what a gate is multiplied with.
        gate: of a gated FFN.
        activation: elementwise.
        down: the value projection; its input are the coefficients (rule 6).
        attention_post_norm, ffn_post_norm: between either part and the residual.
    """

    backbone: str
    blocks: str
    final_norm: str
    attention_norm: str
    attention: str
    out: str
    ffn_norm: str
    up: str
    gate: str = ""
    activation: str
    down: str
    attention_post_norm: str = ""
    ffn_post_norm: str = ""

    @property
    def norms(self) -> tuple[str, ...]:
        """Those of a block."""
        every = (self.attention_norm, self.ffn_norm, self.attention_post_norm, self.ffn_post_norm)
        return tuple(name for name in every if name)


@dataclass(frozen=True, slots=True)
class Expressions:
    """Some of the same parts as Python expressions, for programs without this package.

    Attributes:
        blocks: of `model`; indexed by layer it gives a `block`.
        value_projection, activation, post_norm: of `block`, as in `Parts`; "" for what it lacks.
        value_matrix: of `block`, [F, D].
    """

    blocks: str
    value_projection: str
    activation: str
    value_matrix: str
    post_norm: str


def find(module: nn.Module, path: str) -> Any:
    """A part by its dotted path."""
    return reduce(getattr, path.split("."), module)


def is_conv(module: nn.Module) -> bool:
    """Whether a module stores its weight as [in, out], as GPT-2's `Conv1D` does."""
    return isinstance(module, Conv1D) or bool(getattr(module, "transposed", False))


def matrix(module: Any) -> Tensor:
    """The weight of a linear module as [in, out], a view."""
    weight: Tensor = module.weight
    return weight if is_conv(module) else weight.T
