"""Phi 1 and 2 (Gunasekar et al., 2023) as `transformers` defines them."""

from __future__ import annotations

from typing import Any

from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.engine.adapters.parts import Parts


class PhiAdapter(Adapter):
    """Attention and FFN side by side behind one norm; biases everywhere, the unembedding's too."""

    model_types = ("phi",)
    parts = Parts(
        backbone="model",
        blocks="layers",
        final_norm="final_layernorm",
        attention_norm="input_layernorm",
        attention="self_attn",
        out="self_attn.dense",
        ffn_norm="input_layernorm",
        up="mlp.fc1",
        activation="mlp.activation_fn",
        down="mlp.fc2",
    )

    @classmethod
    def parallel(cls, config: Any) -> bool:
        return True
