"""What an architecture must tell the engine: where the parts of its blocks are. One subclass in one
file of this folder per family, which is a table of names; everything else is found here, by
structure. The forward pass stays transformers' own.

The vocabulary is that of Geva et al. (2022, arXiv 2203.14680): an FFN is a sum over value vectors,

    u = sum_i m_i v_i + b,      FFN_l(x) = u, or Norm(u) where there is a post-norm,

m = coefficients [F], v_i = row i of the value matrix [F, D], b = its bias, which belongs to no
value vector. In a gated FFN m = act(gate(x)) * up(x) (Shazeer, 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from lm_debugger.engine.adapters import configs
from lm_debugger.engine.adapters.entry import Calls, Entry
from lm_debugger.engine.adapters.parts import Expressions, Parts, find, is_conv, matrix
from lm_debugger.engine.capabilities import OF_EVERY_MODEL
from lm_debugger.engine.norms import Norm
from lm_debugger.engine.products import PackedLinear, can_pack
from lm_debugger.engine.sites import Place, Site


class Adapter:
    """A loaded model, seen through the few parts that the engine uses.

    Attributes:
        backbone: the module, see `Parts`; takes a KV cache.
        blocks: L modules.
        final_norm, final: the module, and the same as data.
        unembedding: E, [V, D].
        unembedding_bias: [V]; None: there is none.
        n_heads, n_key_heads, head_width: H, G, d.
        is_parallel: attention and FFN read the same residual, so there is none between them.
        is_gated: see the module.
        softcap: of the logits: softcap * tanh(logits / softcap); None: there is none.
    """

    model_types: ClassVar[tuple[str, ...]]
    """`config.model_type` of the checkpoints that this adapter reads."""

    required: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Beside `configs.REQUIRED`: config keys that change the computation of this architecture, as
    whoever wrote them meant it, and the only values at which they are honoured."""

    parts: ClassVar[Parts]

    def __init__(self, model: nn.Module) -> None:
        causal: Any = model
        config, parts = causal.config, self.parts
        self.backbone: nn.Module = find(model, parts.backbone)
        self.blocks: tuple[nn.Module, ...] = tuple(find(self.backbone, parts.blocks))
        self.final_norm = find(self.backbone, parts.final_norm)
        self.final = Norm.of(self.final_norm)
        head = causal.get_output_embeddings()
        self.unembedding: Tensor = head.weight
        self.unembedding_bias: Tensor | None = head.bias
        self.n_positions: int = config.max_position_embeddings
        self.n_heads: int = config.num_attention_heads
        self.n_key_heads: int = getattr(config, "num_key_value_heads", None) or self.n_heads
        self.is_parallel = self.parallel(config)
        self.is_gated = bool(parts.gate)
        self.softcap: float | None = getattr(config, "final_logit_softcapping", None)
        self.activation_name = _activation_name(config)
        self._values = [matrix(self._part(l, parts.down)) for l in range(self.n_layers)]
        self.ffn_width: int = self._values[0].shape[0]
        self.head_width: int = self.head_matrix(0).shape[1]
        self._norms = {
            (l, name): Norm.of(self._part(l, name))
            for l in range(self.n_layers)
            for name in parts.norms
        }
        self._places: dict[tuple[Site, int], Place] = {}
        self._entry = Entry(self.backbone, parts.blocks, self.blocks)

    # --- what a family may say ---------------------------------------------------------------

    @classmethod
    def parallel(cls, config: Any) -> bool:
        """Whether attention and FFN of a block read the same residual."""
        return False

    @classmethod
    def load_options(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Further arguments for `from_pretrained` that this config needs: the engine reads outputs
        by name, which changes no number."""
        options: dict[str, Any] = {}
        if not config.get("return_dict", True):
            options["return_dict"] = True
        return options

    # --- shape -------------------------------------------------------------------------------

    @property
    def n_layers(self) -> int:
        """L."""
        return len(self.blocks)

    @property
    def has_post_norm(self) -> bool:
        """Whether a norm stands between the FFN and the residual."""
        return bool(self.parts.ffn_post_norm)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What this model can be asked: everything, but for baking what needs a bias of the FFN."""
        adds = all(self.value_bias(layer) is not None for layer in range(self.n_layers))
        return (*OF_EVERY_MODEL, "bake_adds") if adds else OF_EVERY_MODEL

    def place(self, site: Site, layer: int) -> Place:
        """Where a site is that is not within the attention function.

        Raises:
            KeyError: this architecture has no such place; see `has`.
        """
        found = self._places.get((site, layer))
        if found is None:
            found = self._places[site, layer] = self._find(site, layer)
        return found

    def _find(self, site: Site, layer: int) -> Place:
        if not self.has(site):
            raise KeyError(site)
        p = self.parts
        if site is Site.FINAL:
            return Place(self.final_norm, "in")
        if site in (Site.EMBED, Site.RESID_PRE, Site.RESID_POST):
            return Place(self.blocks[layer], "out" if site is Site.RESID_POST else "in")
        name, side = {
            Site.ATTN_IN: (p.attention_norm, "out"),
            Site.Z: (p.out, "in"),
            Site.ATTN_RAW: (p.out, "out"),
            Site.ATTN_OUT: (p.attention_post_norm or p.out, "out"),
            Site.RESID_MID: (p.ffn_norm, "in"),
            Site.FFN_IN: (p.ffn_norm, "out"),
            Site.PRE: (p.gate or p.up, "out"),
            Site.UP: (p.up, "out"),
            Site.COEFFICIENTS: (p.down, "in"),
            Site.FFN_RAW: (p.down, "out"),
            Site.FFN_OUT: (p.ffn_post_norm or p.down, "out"),
        }[site]
        return Place(self._part(layer, name), "in" if side == "in" else "out")

    def has(self, site: Site) -> bool:
        """Whether this architecture has a site."""
        if site is Site.RESID_MID:
            return not self.is_parallel
        return self.is_gated if site is Site.UP else True

    # --- running -----------------------------------------------------------------------------

    def enter(self, ids: Tensor) -> tuple[Tensor, Calls]:
        """Token ids [B, T] -> the residual before the first block [B, T, D], and how the blocks
        are called for texts of that length, whatever B."""
        return self._entry.enter(ids)

    def calls(self, n_tokens: int) -> Calls:
        """How the blocks are called for texts of a length, as `enter` gives it."""
        return self._entry.calls(n_tokens, self.unembedding.device)

    def run_block(self, layer: int, x: Tensor, calls: Calls) -> Tensor:
        """The residual before a block -> the one after it, both [B, T, D]."""
        args, kwargs = calls[layer]
        after: Any = self.blocks[layer](x, *args, **kwargs)
        return after if isinstance(after, Tensor) else after[0]

    # --- weights -----------------------------------------------------------------------------

    def value_matrix(self, layer: int) -> Tensor:
        """The value vectors of a layer as they are stored, [F, D]: row i is v_i. A view."""
        return self._values[layer]

    def value_directions(self, layer: int) -> Tensor:
        """What value vectors add to the residual, but for the coefficient and the 1 / s of a
        post-norm: gain * v_i, [F, D]; `value_matrix` itself where there is no post-norm."""
        norm = self.ffn_post_norm(layer)
        return self._values[layer] if norm is None else norm.push(self._values[layer])

    def value_bias(self, layer: int) -> Tensor | None:
        """b of a layer's FFN, [D], a view of the weights; None where there is none."""
        projection: Any = self._part(layer, self.parts.down)
        bias: Tensor | None = projection.bias
        return bias

    def value_scale(self, layer: int, m: Tensor) -> Tensor:
        """1 / s of the post-norm for coefficients m [..., F]: [...], fp32; 1 without one. A value
        vector adds m_i times this times `value_directions`."""
        norm = self.ffn_post_norm(layer)
        if norm is None:
            return torch.ones(m.shape[:-1], device=m.device)
        u, bias = m.float() @ self._values[layer].float(), self.value_bias(layer)
        return norm.inverse(u if bias is None else u + bias.float())

    def head_matrix(self, layer: int) -> Tensor:
        """W_O by head, [H, d, D], a view of the weights."""
        weight = matrix(self._part(layer, self.parts.out))
        return weight.view(self.n_heads, -1, weight.shape[-1])

    def head_bias(self, layer: int) -> Tensor | None:
        """b_O, [D], a view of the weights; None where there is none."""
        projection: Any = self._part(layer, self.parts.out)
        bias: Tensor | None = projection.bias
        return bias

    def ffn_post_norm(self, layer: int) -> Norm | None:
        """The norm between a layer's FFN and the residual."""
        return self._norms.get((layer, self.parts.ffn_post_norm))

    def attention_post_norm(self, layer: int) -> Norm | None:
        """The norm between a layer's attention and the residual."""
        return self._norms.get((layer, self.parts.attention_post_norm))

    def attention_norm(self, layer: int) -> Norm:
        """Norm_1, which attention reads the residual through."""
        return self._norms[layer, self.parts.attention_norm]

    def ffn_norm(self, layer: int) -> Norm:
        """Norm_2, which the FFN reads the residual through."""
        return self._norms[layer, self.parts.ffn_norm]

    def activation(self, layer: int) -> Callable[[Tensor], Tensor]:
        """Elementwise: a plain FFN's coefficients are it of the pre-activations (rules 8 and 9)."""
        function: Callable[[Tensor], Tensor] = self._part(layer, self.parts.activation)
        return function

    def cap(self, logits: Tensor) -> Tensor:
        """What the model does to its logits before the softmax."""
        if self.softcap is None:
            return logits
        return (logits / self.softcap).tanh() * self.softcap

    @classmethod
    def pack(cls, model: nn.Module) -> None:
        """Lay out a model's weights for the processor that it is on, where that is faster; called
        once, before the adapter is made. See `engine.products`."""
        causal: Any = model
        if not can_pack(causal.get_output_embeddings().weight):
            return
        for block in find(find(model, cls.parts.backbone), cls.parts.blocks):
            for parent in list(block.modules()):
                for name, module in list(parent.named_children()):
                    if isinstance(module, nn.Linear | Conv1D):
                        setattr(parent, name, PackedLinear(module, is_conv(module)))

    # --- the config --------------------------------------------------------------------------

    @classmethod
    def check(cls, config: Mapping[str, Any]) -> None:
        """Refuse what would be computed otherwise than the config says: `configs.check`."""
        configs.check(config, cls._type_of(config), cls.required)

    @classmethod
    def unread(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys of a config.json that nobody reads: `configs.unread`."""
        return configs.unread(config, cls._type_of(config), cls.required)

    @classmethod
    def _type_of(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("model_type") or cls.model_types[0])

    @property
    def expressions(self) -> Expressions:
        """The parts that programs without this package use."""
        p = self.parts
        stored_as_it_is = is_conv(self._part(0, p.down))
        return Expressions(
            blocks=f"model.{p.backbone}.{p.blocks}",
            value_projection=f"block.{p.down}",
            activation=f"block.{p.activation}",
            value_matrix=f"block.{p.down}.weight{'' if stored_as_it_is else '.T'}",
            post_norm=f"block.{p.ffn_post_norm}" if p.ffn_post_norm else "",
        )

    def _part(self, layer: int, name: str) -> nn.Module:
        part: nn.Module = find(self.blocks[layer], name)
        return part


def _activation_name(config: Any) -> str:
    names = ("hidden_activation", "hidden_act", "activation_function")
    return next((str(getattr(config, n)) for n in names if getattr(config, n, None)), "")
