"""GPT-NeoX (Black et al., 2022) as `transformers` defines it: GPT-NeoX-20B, Pythia."""

from __future__ import annotations

from typing import Any

from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.engine.adapters.parts import Parts


class GPTNeoXAdapter(Adapter):
    """Attention and FFN side by side, x + attention(x) + FFN(x), or one after the other; rotary
    positions on a part of each head, biases, an unembedding of its own."""

    model_types = ("gpt_neox",)
    parts = Parts(
        backbone="gpt_neox",
        blocks="layers",
        final_norm="final_layer_norm",
        attention_norm="input_layernorm",
        attention="attention",
        out="attention.dense",
        ffn_norm="post_attention_layernorm",
        up="mlp.dense_h_to_4h",
        activation="mlp.act",
        down="mlp.dense_4h_to_h",
    )

    @classmethod
    def parallel(cls, config: Any) -> bool:
        return bool(config.use_parallel_residual)
