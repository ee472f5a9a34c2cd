"""GPT-2 (Radford et al., 2019) as `transformers` defines it: gpt2, -medium, -large, -xl, distilgpt2
and their fine-tunes.

`Conv1D` stores its weight as [in, out], so `mlp.c_proj.weight` is the value matrix as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers.masking_utils import create_causal_mask

from lm_debugger.engine.adapters.base import Adapter, Block, Expressions
from lm_debugger.engine.products import PackedLinear, can_pack
from lm_debugger.engine.signatures import name_of_cache

_PRODUCTS = (("attn", "c_attn"), ("attn", "c_proj"), ("mlp", "c_fc"), ("mlp", "c_proj"))
"""The four `Conv1D` of a block, which are nearly all of its work."""


class GPT2Adapter(Adapter):
    """GPT-2: pre-norm blocks, one FFN with `c_fc`, an activation and `c_proj`."""

    model_types = ("gpt2",)

    required: ClassVar[dict[str, tuple[Any, ...]]] = {
        # Of relatives with other positions or attention, which transformers has in other classes.
        "alibi": (False, None),
        "multi_query": (False, None),
        "position_embedding_type": ("absolute", "learned", None),
        "rotary_dim": (0, None),
        "rotary_pct": (0, None),
    }
    expressions = Expressions(
        blocks="model.transformer.h",
        value_projection="block.mlp.c_proj",
        activation="block.mlp.act",
        value_matrix="block.mlp.c_proj.weight",
    )

    def __init__(self, model: nn.Module) -> None:
        gpt2: Any = model  # GPT2LMHeadModel; torch types submodules as "Tensor | Module"
        config = gpt2.config
        self._gpt2 = gpt2.transformer
        self._values: list[Tensor] = [block.mlp.c_proj.weight for block in gpt2.transformer.h]
        self._biases: list[Tensor] = [block.mlp.c_proj.bias for block in gpt2.transformer.h]
        self.blocks = tuple(
            Block(
                ffn_norm=block.ln_2,
                ffn=block.mlp,
                value_projection=block.mlp.c_proj,
                activation=block.mlp.act,
            )
            for block in gpt2.transformer.h
        )
        self.final_norm = gpt2.transformer.ln_f
        self.unembedding = gpt2.lm_head.weight
        self.backbone = gpt2.transformer
        self.n_positions = config.n_positions
        self.n_heads = config.n_head
        self.ffn_width = self._values[0].shape[0]
        self.activation_name = config.activation_function

    @classmethod
    def pack(cls, model: nn.Module) -> None:
        gpt2: Any = model
        if not can_pack(gpt2.lm_head.weight):
            return
        for block in gpt2.transformer.h:
            for part, name in _PRODUCTS:
                parent = getattr(block, part)
                setattr(parent, name, PackedLinear(getattr(parent, name), transposed=True))

    @classmethod
    def load_options(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        options = super().load_options(config)
        if config.get("reorder_and_upcast_attn"):
            options["attn_implementation"] = "eager"  # transformers honours it nowhere else
        return options

    def embed(self, ids: Tensor) -> Tensor:
        tokens: Tensor = self._gpt2.wte(ids)
        positions: Tensor = self._gpt2.wpe.weight[: ids.shape[1]]
        return tokens + positions

    def mask(self, x: Tensor) -> Any:
        positions = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
        no_cache: dict[str, Any] = {name_of_cache(create_causal_mask): None}
        return create_causal_mask(
            config=self._gpt2.config,
            inputs_embeds=x[:1],
            attention_mask=None,
            position_ids=positions,
            **no_cache,
        )

    def run_block(self, layer: int, x: Tensor, mask: Any) -> Tensor:
        after: Tensor = self._gpt2.h[layer](x, attention_mask=mask)
        return after

    def value_matrix(self, layer: int) -> Tensor:
        return self._values[layer]

    def value_bias(self, layer: int) -> Tensor:
        return self._biases[layer]
