"""Keys of a config.json: what transformers does not read changes no number, and loads; what is
known to change the computation and is not honoured is refused by name.

The expected numbers are those of plain transformers on the same folder.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import UnsupportedModel
from tests.engine.case import PROMPTS
from tests.models import edit_config

PROMPT = PROMPTS[0]

HARMLESS: dict[str, dict[str, Any]] = {
    "a tokenizer of another class": {"tokenizer_class": "PreTrainedTokenizerFast"},
    "what transformers 5.17 writes into every config": {"_commit_hash": "a" * 40},
    "further special tokens": {"unk_token_id": 0, "sep_token_id": 1, "mask_token_id": 3},
    "a padding token beyond the vocabulary": {"pad_token_id": 10**7},
    "generation defaults": {
        "do_sample": True, "max_length": 20, "num_beams": 4, "temperature": 0.3, "top_k": 50,
        "repetition_penalty": 1.2, "num_return_sequences": 1, "no_repeat_ngram_size": 3,
        "suppress_tokens": [1, 2], "forced_eos_token_id": 3, "diversity_penalty": 0.0,
    },
    "a dump of transformers 3": {
        "is_decoder": True, "torchscript": False, "use_bfloat16": False, "prefix": None,
        "bad_words_ids": None, "xla_device": True, "n_ctx": 64, "n_special": 0,
        "predict_special_tokens": True, "output_past": True,
    },
    "encoder-decoder defaults": {
        "decoder_start_token_id": None, "cross_attention_hidden_size": None,
        "tie_encoder_decoder": False, "is_encoder_decoder": False, "add_cross_attention": False,
    },
    "outputs that the engine asks for itself": {
        "output_attentions": True, "output_hidden_states": True, "return_dict_in_generate": True,
        "output_scores": True, "use_cache": False,
    },
    "outputs as tuples": {"return_dict": False},
    "metadata": {"author": "somebody", "license": "cc-by-nc", "languages": ["en"], "tags": {}},
    "another runtime": {"transformers.js_config": {"dtype": "fp32"}, "onnx": True},
    "training tools": {"unsloth_version": "2024.8", "gradient_checkpointing": True,
                       "_attn_implementation_autoset": True},
    "an attention kernel of the training machine": {"_attn_implementation": "flash_attention_2"},
    "the same under its other name": {"attn_implementation": "flash_attention_2"},
    "a head of another task": {"num_labels": 3, "problem_type": "regression",
                               "finetuning_task": "sst2", "classifier_dropout": 0.1},
    "aliases that agree": {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
                           "max_position_embeddings": 64},
    "what other architectures read": {"rope_theta": 10000.0, "head_dim": 8, "layer_norm_eps": 1.0,
                                      "hidden_act": "silu", "sliding_window": None},
    "switches at the value that changes nothing": {
        "position_embedding_type": "absolute", "rotary_dim": None, "alibi": False,
        "quantization_config": None, "pruned_heads": {}, "chunk_size_feed_forward": 0,
    },
    "code for the tokenizer alone": {"auto_map": {"AutoTokenizer": ["tok.Own", None]}},
}  # fmt: skip


@pytest.mark.parametrize("what", HARMLESS)
def test_what_changes_no_number_loads(folder: Path, what: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder).eval()  # before the keys are there
    edit_config(folder, **HARMLESS[what])
    debugger = Debugger.load(str(folder), device="cpu")
    trace = debugger.trace(PROMPT)
    with torch.no_grad():
        ids = torch.tensor([[token.id for token in trace.tokens]])
        probs = model(ids).logits[0, -1].softmax(-1)
        longer = model.generate(ids, max_new_tokens=3, do_sample=False)
    shown = trace.unedited.positions[0].prediction.top
    assert [t.prob for t in shown] == pytest.approx([float(probs[t.token.id]) for t in shown])
    assert float(probs.max()) == pytest.approx(shown[0].prob)
    generated = debugger.generate(PROMPT, max_new_tokens=3).steps
    assert [step.token.id for step in generated] == longer[0, ids.shape[1] :].tolist()


def test_keys_that_nobody_reads_are_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit_config(folder, author="somebody", temperature=0.3, hidden_size=32, return_dict=True)
    with caplog.at_level(logging.DEBUG, "lm_debugger"):
        debugger = Debugger.load(str(folder), device="cpu")
    assert debugger.checkpoint.unread_keys == ("author", "temperature")
    assert "author, temperature" in caplog.text


def test_a_config_as_save_pretrained_writes_it_has_no_such_key(folder: Path) -> None:
    assert Debugger.load(str(folder), device="cpu").checkpoint.unread_keys == ()


@pytest.mark.parametrize(
    ("alias", "value", "name"),
    [
        ("hidden_size", 64, "n_embd"),
        ("num_hidden_layers", 2, "n_layer"),
        ("num_attention_heads", 2, "n_head"),
        ("max_position_embeddings", 32, "n_positions"),
    ],
)
def test_two_names_of_one_number_that_contradict_each_other(
    folder: Path, alias: str, value: int, name: str
) -> None:
    """transformers takes one of them without a word."""
    edit_config(folder, **{alias: value})
    with pytest.raises(UnsupportedModel) as failure:
        Debugger.load(str(folder), device="cpu")
    assert f"{alias} = {value}" in failure.value.message
    assert f"{name} = " in failure.value.message
