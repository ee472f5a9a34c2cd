"""Llama (Touvron et al., 2023) as `transformers` defines it, and what is built like it: Llama 1 to
3, SmolLM2, TinyLlama, Mistral (Jiang et al., 2023), Qwen2 (Yang et al., 2024)."""

from __future__ import annotations

from typing import Any, ClassVar

from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.engine.adapters.parts import Parts


class LlamaAdapter(Adapter):
    """Pre-norm blocks with RMSNorm, rotary positions, grouped queries and a gated FFN."""

    model_types = ("llama", "mistral", "qwen2")
    required: ClassVar[dict[str, tuple[Any, ...]]] = {"pretraining_tp": (None, 1)}
    parts = Parts(
        backbone="model",
        blocks="layers",
        final_norm="norm",
        attention_norm="input_layernorm",
        attention="self_attn",
        out="self_attn.o_proj",
        ffn_norm="post_attention_layernorm",
        up="mlp.up_proj",
        gate="mlp.gate_proj",
        activation="mlp.act_fn",
        down="mlp.down_proj",
    )
