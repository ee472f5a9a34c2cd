"""A `Case` per model: the same checkpoint as engine, oracle and plain transformers see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from tests.reference import Array, Oracle

PROMPTS = (
    "My wife is working as a",
    "It was the first time that two",
    "Yes",
    " The weather,\n\n in 1984: Möwe 😀 — naïve",
)


@dataclass(frozen=True)
class Case:
    """One checkpoint and everybody who can read it."""

    name: str
    folder: Path
    debugger: Debugger
    oracle: Oracle
    tokenizer: Tokenizer

    @cached_property
    def forgetful(self) -> Debugger:
        """The same loaded model, asked anew with every question: whatever has been left behind in
        it shows, for no remembered run can answer."""
        return Debugger(self.debugger.checkpoint, remember=False)

    def encode(self, prompt: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(prompt).ids
        return ids

    def decode(self, token: int) -> str:
        if token >= self.tokenizer.get_vocab_size():
            return f"[{token}]"  # a row of E that no token belongs to
        text: str = self.tokenizer.decode([token], skip_special_tokens=False)
        return text

    def plain(self) -> Any:
        """A fresh transformers model of the same weights, for anyone to operate on."""
        model: Any = GPT2LMHeadModel.from_pretrained(self.folder, dtype=torch.float32)
        return model.eval()

    def plain_probs(self, model: Any, ids: Sequence[int]) -> Array:
        """The last position's next-token distribution of a plain model: [V]."""
        with torch.inference_mode():
            logits = model(torch.tensor([list(ids)])).logits[0, -1]
        probs: Array = torch.softmax(logits.double(), dim=-1).numpy()
        return probs

    def dominant(self, layer: int = 0) -> ValueId:
        """The largest sub-update of a layer after PROMPTS[0]: editing it is sure to show."""
        layers = self.debugger.trace(PROMPTS[0]).unedited.positions[0].layers
        return layers[layer].sub_updates[0].id

    def all_dominant(self) -> list[str]:
        """The same for every layer, as L12D34."""
        return [str(self.dominant(layer)) for layer in range(self.oracle.n_layer)]
