"""GPT-2 (Radford et al., 2019) as `transformers` defines it: gpt2, -medium, -large, -xl, distilgpt2
and their fine-tunes.

`Conv1D` stores its weight as [in, out], so `mlp.c_proj.weight` is the value matrix as it stands.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from lm_debugger.engine.adapters.base import Adapter, Block


class GPT2Adapter(Adapter):
    """GPT-2: pre-norm blocks, one FFN with `c_fc`, an activation and `c_proj`."""

    model_types = ("gpt2",)

    # The forward pass is transformers' own, so every switch that *it* reads is honoured.
    honoured: ClassVar[frozenset[str]] = frozenset(
        "activation_function layer_norm_epsilon n_embd n_head n_inner n_layer n_positions vocab_size "
        "reorder_and_upcast_attn scale_attn_by_inverse_layer_idx scale_attn_weights "
        "tie_word_embeddings "
        # training only
        "attn_pdrop embd_pdrop resid_pdrop initializer_range gradient_checkpointing problem_type "
        "summary_activation summary_first_dropout summary_proj_to_labels summary_type "
        "summary_use_proj id2label label2id num_labels _num_labels finetuning_task "
        # tokens, generation, output format: the engine sets or ignores them
        "bos_token_id eos_token_id pad_token_id task_specific_params use_cache output_attentions "
        "output_hidden_states output_past return_dict "
        # bookkeeping
        "_name_or_path _attn_implementation_autoset architectures dtype torch_dtype model_type "
        "transformers_version n_ctx n_special predict_special_tokens".split()
    )
    required: ClassVar[dict[str, tuple[Any, ...]]] = {
        "add_cross_attention": (False,),
        "is_encoder_decoder": (False,),
        "chunk_size_feed_forward": (0,),
        "pruned_heads": ({}, None),
        "quantization_config": (None,),
        "auto_map": (None,),
    }

    def __init__(self, model: nn.Module) -> None:
        gpt2: Any = model  # GPT2LMHeadModel; torch types submodules as "Tensor | Module"
        config = gpt2.config
        self._values: list[Tensor] = [block.mlp.c_proj.weight for block in gpt2.transformer.h]
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

    def value_matrix(self, layer: int) -> Tensor:
        return self._values[layer]
