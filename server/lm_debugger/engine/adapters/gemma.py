"""Gemma 2 and 3 (Gemma Team, 2024 and 2025), text only, as `transformers` defines them."""

from __future__ import annotations

from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.engine.adapters.parts import Parts


class GemmaAdapter(Adapter):
    """Llama-like blocks with a norm after each part, too; norms store their gain less 1, embeddings
    are scaled, sliding and full attention take turns, logits may be capped."""

    model_types = ("gemma2", "gemma3_text")
    parts = Parts(
        backbone="model",
        blocks="layers",
        final_norm="norm",
        attention_norm="input_layernorm",
        attention="self_attn",
        out="self_attn.o_proj",
        attention_post_norm="post_attention_layernorm",
        ffn_norm="pre_feedforward_layernorm",
        up="mlp.up_proj",
        gate="mlp.gate_proj",
        activation="mlp.act_fn",
        down="mlp.down_proj",
        ffn_post_norm="post_feedforward_layernorm",
    )
