"""Checkpoints that cannot be trusted are refused, by name and with a sentence that helps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import DebuggerError, InvalidCheckpoint, LoadError, UnsupportedModel
from tests.engine.case import PROMPTS
from tests.models import SHAPES, edit_config, edit_weights, random_model, save

PROMPT = PROMPTS[0]


def refused(folder: Path, error: type[LoadError], *words: str) -> None:
    """Loading raises `error`, in a sentence that holds all `words`."""
    with pytest.raises(error) as failure:
        Debugger.load(str(folder), device="cpu")
    for word in words:
        assert word in failure.value.message
    json.dumps(failure.value.details)


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    refused(tmp_path, InvalidCheckpoint, "config.json")


def test_pickled_weights_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    refused(folder, InvalidCheckpoint, "safetensors")


def test_a_safetensors_file_of_another_kind_does_not_let_pickles_in(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    refused(folder, InvalidCheckpoint, "safetensors")


@pytest.mark.parametrize(
    "name",
    ["transformer.h.1.mlp.c_proj.weight", "transformer.ln_f.bias", "transformer.wte.weight"],
)
def test_missing_weights_are_named(folder: Path, name: str) -> None:
    """transformers would fill them with random numbers and only warn."""

    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights[name]

    edit_weights(folder, drop)
    refused(folder, InvalidCheckpoint, name)


def test_a_missing_untied_head_is_named(tmp_path: Path) -> None:
    folder = save(random_model(SHAPES["untied"]), tmp_path / "model")

    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights["lm_head.weight"]

    edit_weights(folder, drop)
    refused(folder, InvalidCheckpoint, "lm_head.weight")


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    def shrink(weights: dict[str, torch.Tensor]) -> None:
        name = "transformer.h.1.mlp.c_proj.weight"
        weights[name] = weights[name][:64].clone()

    edit_weights(folder, shrink)
    refused(folder, InvalidCheckpoint, "h.1.mlp.c_proj.weight")


@pytest.mark.parametrize(
    "change", [{"n_layer": 4}, {"n_embd": 64}, {"n_inner": 100}, {"vocab_size": 9000}]
)
def test_a_config_that_does_not_fit_the_weights(folder: Path, change: dict[str, int]) -> None:
    edit_config(folder, **change)
    refused(folder, InvalidCheckpoint)


def test_fewer_layers_than_the_weights_hold(folder: Path) -> None:
    """transformers would drop the third layer's weights and show another model's predictions."""
    edit_config(folder, n_layer=2)
    refused(folder, InvalidCheckpoint, "h.2.")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_weights_that_a_wrapper_saved(folder: Path, prefix: str) -> None:
    """transformers would fill all of them with random numbers, and only warn."""

    def rename(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            weights[prefix + name] = weights.pop(name)

    edit_weights(folder, rename)
    refused(folder, InvalidCheckpoint, "transformer.h.0", repr(prefix))


@pytest.mark.parametrize("name", ["score.weight", "classifier.0.weight", "v_head.summary.weight"])
def test_heads_for_other_tasks_are_left_alone(folder: Path, name: str) -> None:
    expected = Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited
    edit_weights(folder, lambda weights: weights.update({name: torch.ones(2, 32)}))
    assert Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited == expected


@pytest.mark.parametrize("name", ["transformer.h.1.attn.rotary_emb.inv_freq", "h.0.ls.gamma"])
def test_something_added_to_a_block_is_named(folder: Path, name: str) -> None:
    edit_weights(folder, lambda weights: weights.update({name: torch.ones(2)}))
    refused(folder, InvalidCheckpoint, name)


def test_what_transformers_says_of_a_config_is_passed_on(folder: Path) -> None:
    edit_config(folder, n_embd=32.5)
    refused(folder, InvalidCheckpoint, "config.json", "n_embd", "expected int")


def test_truncated_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    refused(folder, InvalidCheckpoint)
    path.write_bytes(b"")
    refused(folder, InvalidCheckpoint)


def test_weights_that_are_not_numbers(folder: Path) -> None:
    """A diverged fine-tune shows NaNs. It may load, but no trace of it may look right."""

    def spoil(weights: dict[str, torch.Tensor]) -> None:
        weights["transformer.h.1.mlp.c_proj.bias"][0] = float("nan")

    edit_weights(folder, spoil)
    with pytest.raises(DebuggerError):
        Debugger.load(str(folder), device="cpu").trace(PROMPT)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"gpt2"', "{}", "\xff"])
def test_a_config_that_cannot_be_read(folder: Path, text: str) -> None:
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(LoadError) as failure:
        Debugger.load(str(folder), device="cpu")
    assert isinstance(failure.value, InvalidCheckpoint | UnsupportedModel)


@pytest.mark.parametrize(
    "change",
    [
        {"n_layer": "three"}, {"n_layer": 0}, {"n_head": 5}, {"n_head": 0}, {"n_embd": None},
        {"activation_function": "no such function"}, {"vocab_size": -1},
    ],
)  # fmt: skip
def test_a_config_that_makes_no_sense(folder: Path, change: dict[str, Any]) -> None:
    edit_config(folder, **change)
    refused(folder, InvalidCheckpoint)


@pytest.mark.parametrize("model_type", ["bloom", "bert", "gpt2-ish"])
def test_other_architectures_are_named(folder: Path, model_type: str) -> None:
    edit_config(folder, model_type=model_type)
    refused(folder, UnsupportedModel, model_type, "gpt2")


@pytest.mark.parametrize("model_type", ["", None])
def test_a_config_that_names_no_architecture(folder: Path, model_type: str | None) -> None:
    edit_config(folder, model_type=model_type)
    refused(folder, UnsupportedModel, "no model_type", "gpt2")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("add_cross_attention", True),
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_8bit": True}),
        ("rotary_dim", 16),
        ("is_encoder_decoder", True),
        ("auto_map", {"AutoModelForCausalLM": "modeling_own.Own"}),
        ("pruned_heads", {"0": [1]}),
    ],
)
def test_switches_that_cannot_be_honoured_are_refused_by_name(
    folder: Path, key: str, value: Any
) -> None:
    edit_config(folder, **{key: value})
    refused(folder, UnsupportedModel, key)


def test_code_in_a_checkpoint_is_never_run(folder: Path) -> None:
    marker = folder / "ran"
    (folder / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w')")
    edit_config(folder, auto_map={"AutoModelForCausalLM": "modeling_own.Own"})
    refused(folder, UnsupportedModel, "auto_map")
    assert not marker.exists()


def test_a_missing_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    refused(folder, InvalidCheckpoint)
