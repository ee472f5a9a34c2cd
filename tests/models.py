"""Small random GPT-2 checkpoints, written to disk as `save_pretrained` writes any other.

Every weight is drawn anew, biases and norms included: transformers' own initialisation (all biases
0, all norms 1, weights near 0) would let a forgotten bias or norm pass unseen. Scales follow the
fan-in, so that activations stay of order one, attention is not uniform and predictions are neither
flat nor one-hot.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from lm_debugger.demo.tokenizer import build

DEMO = Path(__file__).parent.parent / "server" / "lm_debugger" / "demo" / "model"
MERGES = Path(__file__).parent / "merges.txt"
"""Of a byte-level BPE of English words, the tests' own: whatever model is bundled, prompts are cut
into the same tokens."""
VOCAB = 8192
"""End-of-text, its only special token, is id 0; then 256 bytes, then what the merges make."""

BASE: dict[str, Any] = {
    "vocab_size": VOCAB, "n_positions": 64, "n_embd": 32, "n_layer": 3, "n_head": 4,
    "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

SHAPES: dict[str, dict[str, Any]] = {
    "tied": {},
    "untied": {"tie_word_embeddings": False, "n_embd": 24, "n_head": 3, "n_inner": 40,
               "activation_function": "gelu", "n_layer": 2},
    "inverse": {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True,
                "activation_function": "relu", "n_layer": 4, "n_embd": 16, "n_head": 2},
    "one-layer": {"n_layer": 1, "n_head": 1, "activation_function": "silu", "n_inner": 20},
    "padded": {"vocab_size": VOCAB + 37, "scale_attn_weights": False, "n_head": 8,
               "activation_function": "tanh", "n_layer": 2},
}  # fmt: skip
"""What each random checkpoint changes of BASE. "padded" has more rows than its tokenizer tokens."""


def demo_megabytes() -> int:
    """What loading the bundled model takes: its weights in fp32 twice (they are stored in half
    precision), and 300 MB to work with."""
    with safe_open(DEMO / "model.safetensors", framework="numpy") as file:
        numbers = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118
    return math.ceil(8 * numbers / 1e6) + 300


def randomize(model: GPT2LMHeadModel, seed: int) -> None:
    """Draw every parameter of `model` from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("ln_f.weight"):
                weight.copy_(1.5 + 0.3 * noise)
            elif ".ln_" in name and name.endswith("weight"):
                weight.copy_(1 + 0.3 * noise)
            elif name.endswith("bias"):
                weight.copy_(0.3 * noise)
            elif name.endswith(("wte.weight", "wpe.weight", "lm_head.weight")):
                weight.copy_(0.4 * noise)
            else:  # Conv1D [in, out]
                weight.copy_(noise * 1.2 / weight.shape[0] ** 0.5)


def random_model(changes: Mapping[str, Any], seed: int = 0) -> Any:
    """A random GPT2LMHeadModel, BASE with `changes`, in float32 and in evaluation mode."""
    model: Any = GPT2LMHeadModel(GPT2Config(**{**BASE, **changes}))
    randomize(model, seed)
    return model.eval()


def save(model: GPT2LMHeadModel, folder: Path, **options: Any) -> Path:
    """Write `model` and a tokenizer of `VOCAB` tokens into `folder`; returns the folder."""
    model.save_pretrained(folder, **options)
    tokenizer().save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "add_prefix_space": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return folder


@cache
def tokenizer() -> Tokenizer:
    """That of all random models: `VOCAB` tokens."""
    lines = MERGES.read_text("utf-8").splitlines()[1:]
    built = build([(left, right) for left, _, right in (line.partition(" ") for line in lines)])
    assert built.get_vocab_size() == VOCAB
    return built


def edit_config(folder: Path, **changes: Any) -> None:
    """Change keys of a checkpoint's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Let `change` work on a checkpoint's weights by name."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
