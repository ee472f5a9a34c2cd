"""A model that writes a text of one's choice, whatever comes before it: what it says next hangs on
the position alone. Its weights are random but for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from tests.models import random_model, save

SIZE = 96


def encode(folder: Path, text: str) -> list[int]:
    """The tokens of a text, as this checkpoint's tokenizer cuts it."""
    ids: list[int] = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    return ids


def writer(folder: Path, prompt: str, text: str) -> Path:
    """A checkpoint in `folder` that goes on with `text` after `prompt`, token by token."""
    shape = {"n_layer": 2, "n_embd": SIZE, "n_positions": SIZE, "tie_word_embeddings": False}
    model: Any = random_model(shape)
    save(model, folder)
    start, tokens = len(encode(folder, prompt)), encode(folder, text)
    assert start + len(tokens) <= SIZE
    with torch.no_grad():
        for block in model.transformer.h:
            for part in (block.attn.c_proj, block.mlp.c_proj):
                part.weight.mul_(1e-3)
                part.bias.zero_()
        model.transformer.wte.weight.zero_()
        model.transformer.wpe.weight.copy_(torch.eye(SIZE))
        model.transformer.ln_f.weight.fill_(1)
        model.transformer.ln_f.bias.zero_()
        model.lm_head.weight.mul_(0.01)
        for index, token in enumerate(tokens):
            model.lm_head.weight[token, start - 1 + index] = 1.1 + index % 5 / 10
    model.save_pretrained(folder)
    return folder
