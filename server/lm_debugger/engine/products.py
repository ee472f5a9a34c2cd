"""Matrix products with weights laid out for the processor once.

For the few rows that a prompt has, a CPU's plain fp32 product reads the weights at a third of the
memory's speed or less. oneDNN's packed layout reads them at full speed: measured on two AVX-512
cores, 10 rows through GPT-2 medium's blocks take 0.35 of the time, 48 states through its
unembedding 0.4. It costs a second copy of the weights in memory; where they are mapped from a file
the system can drop the first.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_ROWS = 64
"""The layout is chosen for this many rows, and was measured to be as good for 1 to 1,000."""


class PackedProduct:
    """x [..., D_in] -> x W^T + b, fp32 on the CPU.

    Args:
        weight: W, [D_out, D_in]; may be a view such as `stored.T`.
        bias: b, [D_out].
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        # Not public in torch, though its own compiler emits both: see `can_pack`.
        ops: Any = torch.ops.mkldnn
        with torch.no_grad():
            self._packed = ops._reorder_linear_weight(weight.detach(), _ROWS)
        self._bias = None if bias is None else bias.detach()
        self._linear = ops._linear_pointwise

    def __call__(self, x: Tensor) -> Tensor:
        product: Tensor = self._linear(x.contiguous(), self._packed, self._bias, "none", [], "")
        return product


class PackedLinear(nn.Module):
    """In place of a linear module, with its parameters and the same answers.

    Args:
        module: has `weight`, used as it is for [D_out, D_in] or transposed, and `bias`.
        transposed: its weight is [D_in, D_out], as in GPT-2's `Conv1D`.
    """

    def __init__(self, module: nn.Module, transposed: bool) -> None:
        super().__init__()
        self.weight, self.bias = module.weight, module.bias
        self.transposed = transposed
        weight: Any = self.weight
        bias: Any = self.bias
        self._product = PackedProduct(weight.T if transposed else weight, bias)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., D_in] -> [..., D_out]."""
        if x.requires_grad and torch.is_grad_enabled():
            y: Tensor = _WithBackward.apply(x, self)  # type: ignore[no-untyped-call]
            return y
        return self._product(x)


class _WithBackward(torch.autograd.Function):
    """The packed product with the backward that it lacks: without one the gradient is dropped
    there, and no exception says so. The weights are never trained, so only x has a gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, module: PackedLinear) -> Tensor:
        ctx.module = module
        return module._product(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weight: Any = ctx.module.weight
        return gradient @ (weight.T if ctx.module.transposed else weight), None


def can_pack(weight: Tensor) -> bool:
    """Whether `PackedProduct` works for this weight here, tried out on a small product."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return False
    has_onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not has_onednn:
        return False
    generator = torch.Generator().manual_seed(0)
    w, x = (torch.randn(n, 24, generator=generator) for n in (40, 3))
    try:
        found = PackedProduct(w)(x)
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return False  # another version of torch, or a build without oneDNN
    return torch.allclose(found, x @ w.T, rtol=1e-4, atol=1e-4)
