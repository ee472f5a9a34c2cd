"""Small random checkpoints of every family that the engine reads, in both layouts of its switches.

As in `tests.models`, every weight is drawn anew, so that a forgotten bias, norm or scale shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.models import VOCAB, save

_BASE: dict[str, Any] = {
    "vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
    "max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None,
}  # fmt: skip
_GATED = {**_BASE, "num_key_value_heads": 2, "intermediate_size": 48}
_GEMMA = {**_GATED, "pad_token_id": 0, "head_dim": 12, "sliding_window": 4,
          "query_pre_attn_scalar": 7,
          "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}  # fmt: skip
_LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0,
           "high_freq_factor": 4.0, "original_max_position_embeddings": 16}  # fmt: skip
_GPT2 = {"vocab_size": VOCAB, "n_positions": 64, "n_embd": 32, "n_layer": 3, "n_head": 4,
         "bos_token_id": 0, "eos_token_id": 0}  # fmt: skip

FAMILIES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "gpt2": ("gpt2", _GPT2),
    "gpt2-upcast": ("gpt2", {**_GPT2, "reorder_and_upcast_attn": True, "n_inner": 40,
                             "scale_attn_by_inverse_layer_idx": True,
                             "tie_word_embeddings": False}),
    "llama": ("llama", {**_GATED, "tie_word_embeddings": False}),
    "llama-biased": ("llama", {**_GATED, "tie_word_embeddings": True, "mlp_bias": True,
                               "attention_bias": True, "head_dim": 12,
                               "rope_parameters": _LLAMA3}),
    "mistral": ("mistral", {**_GATED, "sliding_window": 4}),
    "qwen2": ("qwen2", {**_GATED, "use_sliding_window": True, "sliding_window": 4,
                        "max_window_layers": 1}),
    "gemma2": ("gemma2", {**_GEMMA, "attn_logit_softcapping": 2.0,
                          "final_logit_softcapping": 3.0}),
    "gemma3": ("gemma3_text", _GEMMA),
    "gpt_neox": ("gpt_neox", {**_BASE, "intermediate_size": 64, "use_parallel_residual": True,
                              "rotary_pct": 0.25}),
    "gpt_neox-sequential": ("gpt_neox", {**_BASE, "intermediate_size": 64,
                                         "use_parallel_residual": False,
                                         "attention_bias": False}),
    "phi": ("phi", {**_BASE, "intermediate_size": 64, "partial_rotary_factor": 0.5}),
}  # fmt: skip
"""Name -> (`model_type`, config)."""


def random_family(name: str) -> Any:
    """A random model of a family in float32, in evaluation mode."""
    kind, settings = FAMILIES[name]
    model: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings))
    generator = torch.Generator().manual_seed(list(FAMILIES).index(name))
    # Gemma's norms store their gain less 1.
    one = 0.0 if kind.startswith("gemma") else 1.0
    with torch.no_grad():
        for key, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.dim() == 1:
                weight.copy_(0.3 * noise + (one if key.endswith("weight") else 0.0))
            elif key.endswith(("embed_tokens.weight", "embed_in.weight")) and one == 0.0:
                weight.copy_(0.1 * noise)  # scaled by sqrt(D) once more
            elif any(part in key for part in ("embed", "wte", "wpe", "lm_head")):
                weight.copy_(0.4 * noise)
            else:
                fan_in = weight.shape[0] if "c_" in key else weight.shape[1]
                weight.copy_(noise * 1.2 / fan_in**0.5)
    return model.float().eval()


def save_family(name: str, folder: Path) -> Path:
    """Write a random checkpoint of a family into `folder`."""
    return save(random_family(name), folder)
