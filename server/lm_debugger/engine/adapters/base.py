"""What an architecture must tell the engine: where its blocks, taps, value matrices, final norm and
unembedding are. One subclass in one file of this folder per architecture; nothing else changes.

The vocabulary is that of Geva et al. (2022, arXiv 2203.14680): an FFN is a sum over value vectors,

    FFN_l(x) = sum_i m_i v_i + b,

m = coefficients [F] (after the activation function), v_i = row i of the value matrix [F, D], b =
its bias, which belongs to no value vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from lm_debugger.errors import UnsupportedModel


@dataclass(frozen=True, slots=True)
class Block:
    """The three modules of one transformer block where the engine listens or writes.

    Attributes:
        ffn_norm: its input is before_l [B, T, D], the residual after attention (rule 3).
        ffn: its output is FFN_l [B, T, D], bias included.
        value_projection: its input is m_l [B, T, F], the coefficients (rule 6); edits go here.
        activation: elementwise, maps pre-activations to coefficients (rules 8 and 9).
    """

    ffn_norm: nn.Module
    ffn: nn.Module
    value_projection: nn.Module
    activation: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Expressions:
    """The same parts as Python expressions, for programs without this package.

    Attributes:
        blocks: of `model`; indexed by layer it gives a `block`.
        value_projection, activation: of `block`, as in `Block`.
        value_matrix: of `block`, [F, D].
    """

    blocks: str
    value_projection: str
    activation: str
    value_matrix: str


class Adapter(ABC):
    """A loaded model, seen through the few parts that the engine uses."""

    model_types: ClassVar[tuple[str, ...]]
    """`config.model_type` of the checkpoints that this adapter reads."""

    honoured: ClassVar[frozenset[str]]
    """Config keys whose every value is honoured, or which do not touch the forward pass."""

    required: ClassVar[Mapping[str, tuple[Any, ...]]]
    """Config keys that are honoured only at these values."""

    expressions: ClassVar[Expressions]

    blocks: tuple[Block, ...]
    final_norm: nn.Module
    unembedding: Tensor
    """E, [V, D]."""
    backbone: nn.Module
    """Token ids [B, T] -> `last_hidden_state` [B, T, D], final norm applied; takes a KV cache."""

    n_positions: int
    n_heads: int
    ffn_width: int
    activation_name: str

    @abstractmethod
    def __init__(self, model: nn.Module) -> None: ...

    @abstractmethod
    def embed(self, ids: Tensor) -> Tensor:
        """Token ids [B, T] -> the residual before the first block, [B, T, D]."""

    @abstractmethod
    def mask(self, x: Tensor) -> Any:
        """Whatever `run_block` needs to let every position see itself and those before it, for
        residuals x [B, T, D]; made once for all blocks, and right for any B."""

    @abstractmethod
    def run_block(self, layer: int, x: Tensor, mask: Any) -> Tensor:
        """The residual before a block -> the one after it, both [B, T, D]."""

    @abstractmethod
    def value_matrix(self, layer: int) -> Tensor:
        """The value vectors of a layer, [F, D]: row i is v_i. A view of the weights."""

    @abstractmethod
    def value_bias(self, layer: int) -> Tensor | None:
        """b of FFN_l, [D], a view of the weights; None where the architecture has none."""

    @classmethod
    def load_options(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Further arguments for `from_pretrained` that this config needs."""
        return {}

    @classmethod
    def pack(cls, model: nn.Module) -> None:
        """Lay out a model's weights for the processor that it is on, where that is faster; called
        once, before the adapter is made. See `engine.products`."""
        return

    @property
    def n_layers(self) -> int:
        """L."""
        return len(self.blocks)

    @classmethod
    def check(cls, config: Mapping[str, Any]) -> None:
        """Refuse what would be computed wrongly in silence.

        Raises:
            UnsupportedModel: naming every config key that is unknown or has a value that this
                adapter does not know how to honour.
        """
        unknown = sorted(set(config) - cls.honoured - set(cls.required))
        wrong = {
            key: config[key]
            for key, allowed in cls.required.items()
            if key in config and config[key] not in allowed
        }
        if not unknown and not wrong:
            return
        parts = [
            f"{key} = {value!r} (honoured: {' or '.join(repr(v) for v in cls.required[key])})"
            for key, value in wrong.items()
        ]
        if unknown:
            parts.append(f"unknown switches {', '.join(unknown)}")
        raise UnsupportedModel(
            f"This checkpoint's config.json asks for something that the {cls.model_types[0]} "
            f"adapter does not know how to honour: {'; '.join(parts)}. If a key does not change "
            "the forward pass, remove it from a local copy's config.json.",
            unknown=unknown,
            wrong={key: repr(value) for key, value in wrong.items()},
        )
