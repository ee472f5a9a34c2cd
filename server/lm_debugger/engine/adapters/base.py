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

import transformers
from torch import Tensor, nn

from lm_debugger.errors import UnsupportedModel

REQUIRED: Mapping[str, tuple[Any, ...]] = {
    "add_cross_attention": (False, None),
    "chunk_size_feed_forward": (0, None),
    "is_encoder_decoder": (False, None),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
}
"""Config keys that change the computation of any architecture, and the only values at which they
are honoured."""

_MODEL_CODE = ("AutoModel", "AutoConfig")
"""Entries of `auto_map` that name code of the checkpoint's own in place of transformers'."""

ATTENTION_KEYS = ("_attn_implementation", "attn_implementation")
"""A kernel that was chosen for training on other hardware and may be missing here; it changes no
number, and is passed over."""

_READ_ELSEWHERE = (*ATTENTION_KEYS, "auto_map", "model_type", "torch_dtype", "_commit_hash",
                   "tokenizer_class")  # fmt: skip
"""What is read of a config, though it is no field of its class."""


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

    required: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Beside `REQUIRED`: config keys that change the computation of this architecture, as whoever
    wrote them meant it, and the only values at which they are honoured."""

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
        """Further arguments for `from_pretrained` that this config needs: the engine reads outputs
        by name, which changes no number."""
        options: dict[str, Any] = {}
        if not config.get("return_dict", True):
            options["return_dict"] = True
        return options

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
        """Refuse what would be computed otherwise than the config says, in silence.

        The forward pass is transformers' own, so a key that it does not read changes no number:
        such keys are told (`unread`), not refused.

        Raises:
            UnsupportedModel: naming every key that is known to change the computation and has a
                value that is not honoured, and keys that contradict each other.
        """
        required = {**REQUIRED, **cls.required}
        wrong = {
            key: config[key]
            for key, allowed in required.items()
            if key in config and config[key] not in allowed
        }
        if any(str(key).startswith(_MODEL_CODE) for key in config.get("auto_map") or ()):
            wrong["auto_map"] = config["auto_map"]
        at_odds = {
            alias: (config[alias], name, config[name])
            for alias, name in cls._config_class().attribute_map.items()
            if alias in config and name in config and config[alias] != config[name]
        }
        if not wrong and not at_odds:
            return
        parts = [
            f"{key} = {value!r} ({_honoured(required.get(key))})" for key, value in wrong.items()
        ]
        parts += [
            f"{alias} = {value!r} and {name} = {other!r}, which are two names of one number"
            for alias, (value, name, other) in at_odds.items()
        ]
        raise UnsupportedModel(
            f"This checkpoint's config.json asks for something that the {cls.model_types[0]} "
            f"adapter does not know how to honour: {'; '.join(parts)}.",
            wrong={key: repr(value) for key, value in wrong.items()},
            at_odds={alias: name for alias, (_, name, _) in at_odds.items()},
        )

    @classmethod
    def unread(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a config.json that transformers' class for it does not have, sorted."""
        known = cls._config_class()
        read = {*vars(known()), *known.attribute_map, *_READ_ELSEWHERE, *REQUIRED, *cls.required}
        return tuple(sorted(set(config) - read))

    @classmethod
    def _config_class(cls) -> Any:
        return transformers.AutoConfig.for_model(cls.model_types[0]).__class__


def _honoured(values: tuple[Any, ...] | None) -> str:
    if values is None:
        return "code of the checkpoint's own is not run"
    return f"honoured: {' or '.join(repr(value) for value in values)}"
