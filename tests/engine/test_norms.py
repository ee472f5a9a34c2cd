"""Norms as data: found by asking the module, whatever it calls its numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers.models.gemma3.modeling_gemma3 import Gemma3RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from lm_debugger.engine.norms import Norm
from lm_debugger.errors import UnsupportedModel

D = 48


def drawn(scale: float) -> torch.Tensor:
    return scale * torch.randn(D, generator=torch.Generator().manual_seed(1)) + scale


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("scale", [0.3, 1.0, 40.0])
@pytest.mark.parametrize("kind", ["layer", "llama", "gemma"])
def test_a_gain_is_told_from_a_gain_less_one(kind: str, scale: float, dtype: torch.dtype) -> None:
    """Also where it is large and the format coarse, as in Gemma's norms in bfloat16."""
    made: dict[str, Any] = {
        "layer": nn.LayerNorm(D), "llama": LlamaRMSNorm(D), "gemma": Gemma3RMSNorm(D),
    }  # fmt: skip
    module = made[kind].requires_grad_(False)
    module.weight.copy_(drawn(scale))
    if kind == "layer":
        module.bias.copy_(drawn(0.5))
    module = module.to(dtype)
    found = Norm.of(module)
    assert found.centred == (kind == "layer")
    expected = module.weight.float() + (1.0 if kind == "gemma" else 0.0)
    assert torch.equal(found.gain.float(), expected)
    assert (found.bias is not None) == (kind == "layer")


@pytest.mark.parametrize("centred", [True, False])
def test_frozen_it_is_affine(centred: bool) -> None:
    """norm(x) = push(x) / s + bias, and g · x = direction · (norm(x) - bias) s."""
    norm = Norm(drawn(1.0), drawn(0.3), 1e-5, centred)
    x = torch.randn(5, D, generator=torch.Generator().manual_seed(2))
    y, s = norm(x), norm.inverse(x)
    assert norm.bias is not None
    direction = drawn(2.0)
    assert torch.allclose(norm.push(x) * s.unsqueeze(-1) + norm.bias, y, atol=1e-5)
    assert torch.allclose(norm.frozen(x), y, atol=1e-5)
    pulled = (x @ norm.pull_back(direction)) * s
    assert torch.allclose(pulled, (y - norm.bias) @ direction, rtol=1e-4, atol=1e-4)


def test_what_is_neither_is_refused() -> None:
    class Squared(nn.LayerNorm):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).square()

    for module in (Squared(D), nn.Identity()):
        with pytest.raises(UnsupportedModel, match="neither a LayerNorm nor an RMSNorm"):
            Norm.of(module)
