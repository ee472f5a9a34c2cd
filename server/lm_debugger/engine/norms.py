"""LayerNorm and RMSNorm as data: norm(x) = gain * (x - mean(x)) / s(x) + bias, the mean for
LayerNorm only (Ba et al., 2016; Zhang and Sennrich, 2019).

With s frozen a norm is affine, which attribution needs (rule 16), and what a norm *behind* an FFN
does to a single sub-update is its gain and 1 / s (docs/semantics.md, rule 20).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lm_debugger.errors import UnsupportedModel


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """One norm.

    Attributes:
        gain: [D].
        bias: [D]; None: it has none.
        eps: added to the mean square before its root is taken.
        centred: whether the mean is taken away first (LayerNorm) or not (RMSNorm).
    """

    gain: Tensor
    bias: Tensor | None
    eps: float
    centred: bool

    @classmethod
    def of(cls, module: nn.Module) -> Norm:
        """What a module does, found by asking it: some store their gain as gain - 1.

        Raises:
            UnsupportedModel: it is none of the norms that are known.
        """
        parts: Any = module
        weight, bias = getattr(parts, "weight", None), getattr(parts, "bias", None)
        eps = next(
            (getattr(parts, name) for name in ("eps", "variance_epsilon") if hasattr(parts, name)),
            None,
        )
        if isinstance(weight, Tensor) and eps is not None:
            with torch.no_grad():
                generator = torch.Generator().manual_seed(0)
                x = (torch.randn(4, len(weight), generator=generator) + 0.5).to(weight)
                answer = parts(x).float()
                # The nearest, not the first that is near: in half precision, where gains are large,
                # the one of "gain - 1" is little more than rounding.
                likeliest = min(
                    (
                        # A view of the weights where it can be, so that they are in memory once.
                        cls(weight if not one else weight.float() + 1, bias, float(eps), centred)
                        for centred in (True, False)
                        for one in (False, True)
                    ),
                    key=lambda norm: float((norm(x) - answer).abs().max()),
                )
                off = (likeliest(x) - answer).abs().max() / answer.abs().max().clamp_min(1.0)
            if off <= 8 * torch.finfo(weight.dtype).eps:
                return likeliest
        raise UnsupportedModel(
            f"The norm {type(module).__name__} is neither a LayerNorm nor an RMSNorm with a gain, "
            "so what stands behind it cannot be split into parts."
        )

    def __call__(self, x: Tensor) -> Tensor:
        """norm(x) in fp32, [..., D] -> [..., D]."""
        x = x.float()
        if self.centred:
            x = x - x.mean(dim=-1, keepdim=True)
        y = x * self._inverse(x).unsqueeze(-1) * self.gain.float()
        return y if self.bias is None else y + self.bias.float()

    def frozen(self, x: Tensor) -> Tensor:
        """norm(x), as far as derivatives go with s a constant: [..., D] -> [..., D], fp32."""
        y = self.push(x) * self.inverse(x.detach()).unsqueeze(-1)
        return y if self.bias is None else y + self.bias.float()

    def inverse(self, x: Tensor) -> Tensor:
        """1 / s(x), fp32: [..., D] -> [...]."""
        x = x.float()
        return self._inverse(x - x.mean(dim=-1, keepdim=True) if self.centred else x)

    def _inverse(self, centred: Tensor) -> Tensor:
        return (centred.square().mean(dim=-1) + self.eps).rsqrt()

    def pull_back(self, direction: Tensor) -> Tensor:
        """g with g · x = direction · (norm(x) - bias) s(x), fp32: [..., D] -> [..., D]."""
        weighted = direction.float() * self.gain.float()
        return weighted - weighted.mean(dim=-1, keepdim=True) if self.centred else weighted

    def push(self, write: Tensor) -> Tensor:
        """What a part of x becomes, but for 1 / s(x), fp32: gain * centre(write), [..., D]."""
        write = write.float()
        if self.centred:
            write = write - write.mean(dim=-1, keepdim=True)
        return write * self.gain.float()
