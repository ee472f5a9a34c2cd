"""Bits per byte against a slow, plain computation, one document and one token at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from lm_debugger.demo.evaluate import cut, evaluate

TEXTS = [
    "The king and his daughter walked by the sea, and the fox said that it was late. " * 9,
    "A café in Málaga, 東京 too.",
    "x",
]  # fmt: skip


def plain(folder: Path, texts: list[str]) -> float:
    model = GPT2LMHeadModel.from_pretrained(folder).double().eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    context = model.config.n_positions
    nats, n_bytes = 0.0, 0
    for text in texts:
        ids = [0, *tokenizer(text)["input_ids"]]
        n_bytes += len(text.encode("utf-8"))
        for i in range(1, len(ids)):
            start = (i - 1) // (context - 1) * (context - 1)  # of the window that predicts token i
            with torch.inference_mode():
                logits = model(torch.tensor([ids[start:i]])).logits[0, -1]
            nats -= torch.log_softmax(logits, -1)[ids[i]].item()
    return nats / math.log(2) / n_bytes


def test_bits_per_byte(checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("tied")
    assert len(AutoTokenizer.from_pretrained(folder)(TEXTS[0])["input_ids"]) > 2 * 64
    assert evaluate(folder, TEXTS) == pytest.approx(plain(folder, TEXTS), rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9, 10, 13, 14])
def test_windows_predict_every_token_but_the_first_once(n: int) -> None:
    windows = cut(list(range(n)), 5)
    assert [i for window in windows for i in window[1:]] == list(range(1, n))
    assert all(len(window) <= 5 for window in windows)
