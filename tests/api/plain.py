"""What transformers alone says about a checkpoint: the expected numbers of the API's tests.

Edits are made as copies of the model with other weights (the identities at the end of
docs/semantics.md), never with anything of `lm_debugger`.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.activations import ACT2FN


class Plain:
    """A checkpoint in float32, or an edited copy of one."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def ids(self, prompt: str) -> Tensor:
        """[1, T]"""
        ids: Tensor = self.tokenizer(prompt, return_tensors="pt")["input_ids"]
        return ids

    def text(self, id: int) -> str:
        return str(self.tokenizer.decode([id]))

    @torch.no_grad()
    def next_probs(self, prompt: str, position: int = -1) -> Tensor:
        """[V]: the distribution of the token after one of the prompt's."""
        logits: Tensor = self.model(self.ids(prompt)).logits[0, position]
        return logits.softmax(-1)

    def top(self, prompt: str, k: int, position: int = -1) -> list[tuple[int, float]]:
        probs, ids = self.next_probs(prompt, position).topk(k)
        return list(zip(ids.tolist(), probs.tolist(), strict=True))

    @torch.no_grad()
    def greedy(self, prompt: str, n: int) -> str:
        """Prompt and at most n tokens, special tokens left out."""
        ids = self.ids(prompt)
        out = self.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, do_sample=False
        )
        return str(self.tokenizer.decode(out[0], skip_special_tokens=True))

    @torch.no_grad()
    def scores(self, prompt: str) -> Tensor:
        """[L, F]: |m_i| * ||v_i|| at the last position (rule 6)."""
        blocks, seen = self.model.transformer.h, []
        handles = [
            block.mlp.c_proj.register_forward_pre_hook(lambda _, args: seen.append(args[0][0, -1]))
            for block in blocks
        ]
        self.model(self.ids(prompt))
        for handle in handles:
            handle.remove()
        norms = torch.stack([block.mlp.c_proj.weight.norm(dim=1) for block in blocks])
        return torch.stack(seen).abs() * norms

    def suppressed(self, layer: int, dim: int) -> Plain:
        return self._with_coefficient(layer, dim, 0.0)

    def boosted(self, layer: int, dim: int, prompt: str) -> Plain:
        """Rule 9: act(the layer's largest score + 0.01)."""
        c = self.scores(prompt)[layer].max() + 0.01
        act = ACT2FN[self.model.config.activation_function]
        return self._with_coefficient(layer, dim, float(act(c)))

    def value(self, layer: int, dim: int) -> Tensor:
        """v [D]"""
        vector: Tensor = self.model.transformer.h[layer].mlp.c_proj.weight[dim].detach()
        return vector

    def logits_of_value(self, layer: int, dim: int) -> Tensor:
        """E v, [V] (rule 7)"""
        logits: Tensor = self.model.lm_head.weight.detach() @ self.value(layer, dim)
        return logits

    @torch.no_grad()
    def _with_coefficient(self, layer: int, dim: int, m: float) -> Plain:
        edited = copy.copy(self)
        edited.model = copy.deepcopy(self.model)
        proj = edited.model.transformer.h[layer].mlp.c_proj
        proj.bias += m * proj.weight[dim]
        proj.weight[dim] = 0
        return edited
