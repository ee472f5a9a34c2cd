"""GPT-2 (Radford et al., 2019) as `transformers` defines it: gpt2, -medium, -large, -xl, distilgpt2
and their fine-tunes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.engine.adapters.parts import Parts


class GPT2Adapter(Adapter):
    """Pre-norm blocks, learned positions, one FFN with `c_fc`, an activation and `c_proj`."""

    model_types = ("gpt2",)
    required: ClassVar[dict[str, tuple[Any, ...]]] = {
        # Of relatives with other positions or attention, which transformers has in other classes.
        "alibi": (False, None),
        "multi_query": (False, None),
        "position_embedding_type": ("absolute", "learned", None),
        "rotary_dim": (0, None),
        "rotary_pct": (0, None),
    }
    parts = Parts(
        backbone="transformer",
        blocks="h",
        final_norm="ln_f",
        attention_norm="ln_1",
        attention="attn",
        out="attn.c_proj",
        ffn_norm="ln_2",
        up="mlp.c_fc",
        activation="mlp.act",
        down="mlp.c_proj",
    )

    @classmethod
    def load_options(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        options = super().load_options(config)
        if config.get("reorder_and_upcast_attn"):
            options["attn_implementation"] = "eager"  # transformers honours it nowhere else
        return options
