"""Rule 9's boost: the coefficient that puts a value vector in front of its whole layer.

c = 0.01 + the layer's largest sub-update score, at the last position of the unedited prompt. A
plain FFN gets m_i := act(c), as if c were its pre-activation; a gated one has no single
pre-activation, and gets m_i := s c / ||v_i||, so that its score becomes c, with the sign s that m_i
has there (0 counts as +) ("on, by score", rule 19).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter

MARGIN = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Boosts:
    """Of one prompt.

    Attributes:
        c: of every layer, [L].
    """

    c: tuple[float, ...]
    _adapter: Adapter
    _m: Tensor  # [L, F], fp32
    _norms: Tensor  # [L, F], of what value vectors write, 1 / s of a post-norm included

    @classmethod
    def of(cls, adapter: Adapter, norms: Tensor, m: Tensor) -> Boosts:
        """Of a prompt's last position.

        Args:
            norms: [L, F], ||value_directions||, fp32.
            m: [L, F], unedited coefficients, fp32.
        """
        scales = torch.stack([adapter.value_scale(l, m[l]) for l in range(len(m))])  # [L]
        written = norms * scales.unsqueeze(1)
        c = (m.abs() * written).amax(dim=1) + MARGIN
        return cls(tuple(c.tolist()), adapter, m, written)

    def value(self, layer: int, dim: int) -> float:
        """What the coefficient becomes."""
        at = torch.tensor([dim], device=self._m.device)
        return float(_value(self._adapter, layer, self._m[layer], self._norms[layer],
                            self.c[layer], at)[0])  # fmt: skip


def boosted(adapter: Adapter, layer: int, norms: Tensor, m: Tensor, dims: Tensor) -> Tensor:
    """What coefficients `dims` [n] become, [n], from the unedited ones m [F] of their layer;
    `norms` [F] as in `Boosts.of`."""
    written = norms * adapter.value_scale(layer, m)
    c = float((m.float().abs() * written).amax() + MARGIN)
    return _value(adapter, layer, m.float(), written, c, dims)


def _value(
    adapter: Adapter, layer: int, m: Tensor, written: Tensor, c: float, dims: Tensor
) -> Tensor:
    if not adapter.is_gated:
        weight = adapter.value_matrix(layer)
        at = torch.tensor([c], dtype=weight.dtype, device=weight.device)
        return adapter.activation(layer)(at).float().expand(len(dims))
    sign = torch.where(m[dims] < 0, -1.0, 1.0)
    found = sign * c / written[dims]
    return torch.where(written[dims] > 0, found, 0.0)  # a vector of zeros has no score to raise
