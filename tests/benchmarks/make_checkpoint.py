"""Writes a GPT-2 checkpoint of a real size with random weights, for measuring without the real
ones.

    python -m tests.benchmarks.make_checkpoint medium OUT --tokenizer FOLDER

FOLDER holds GPT-2's `vocab.json` and `merges.txt`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

SIZES = {
    "small": {"n_layer": 12, "n_embd": 768, "n_head": 12},
    "medium": {"n_layer": 24, "n_embd": 1024, "n_head": 16},
    "large": {"n_layer": 36, "n_embd": 1280, "n_head": 20},
    "xl": {"n_layer": 48, "n_embd": 1600, "n_head": 25},
}


def make(size: str, folder: Path, tokenizer: Path) -> None:
    """Save a random model of that size and the tokenizer's two files."""
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(**SIZES[size])).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(tokenizer / name, folder / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    arguments = parser.parse_args()
    make(arguments.size, arguments.folder, arguments.tokenizer)
