"""Derivatives of a scalar within a block: a pre-activation, an attention score, what a head passes
on (METHODS 2). It is recomputed from the residual that its part reads, with the statistics
of that part's own norm frozen (rule 24).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.hooks import attached
from lm_debugger.engine.norms import Norm
from lm_debugger.engine.sites import Site
from lm_debugger.errors import GradientLost

Part = Literal["attention", "ffn"]
_ATTENTION = (Site.Q, Site.K, Site.V, Site.PATTERN, Site.Z)
_FFN = (Site.PRE, Site.UP, Site.COEFFICIENTS)


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """One scalar of one block.

    Attributes:
        value: the scalar.
        state: the residual that its part reads, [T, D].
        gradient: of the scalar with respect to it, [T, D].
    """

    value: float
    state: Tensor
    gradient: Tensor


def inner_gradient(
    adapter: Adapter,
    x: Tensor,
    layer: int,
    part: Part,
    scalar: Callable[[Mapping[Site, Tensor]], Tensor],
) -> Inner:
    """Run one block from the residual before it. The caller holds the gate.

    Args:
        x: [T, D], the residual before the block.
        scalar: of what its part shows: Q, K, V, PATTERN and Z, or PRE, UP and COEFFICIENTS, shaped
            as in `sites` without B.

    Raises:
        GradientLost: a product on the way has no backward.
    """
    with torch.inference_mode(False), torch.enable_grad():
        block = _Block(adapter, x.clone().unsqueeze(0), layer, part)
        s = scalar(block.run())
        if not s.requires_grad:
            raise GradientLost(f"Layer {layer} gives no gradient of this scalar.", layer=layer)
        (gradient,) = torch.autograd.grad(s, [block.state])
        return Inner(float(s.detach()), block.state.detach()[0], gradient[0])


class _Block:
    """One run of a block; `state` is the leaf that everything is derived by."""

    def __init__(self, adapter: Adapter, x: Tensor, layer: int, part: Part) -> None:
        self._adapter, self._layer = adapter, layer
        self._sites = [s for s in (_FFN if part == "ffn" else _ATTENTION) if adapter.has(s)]
        self._is_between = part == "ffn" and not adapter.is_parallel
        self._input = Site.FFN_IN if part == "ffn" else Site.ATTN_IN
        self._norm: Norm = (adapter.ffn_norm if part == "ffn" else adapter.attention_norm)(layer)
        self._seen: dict[Site, Tensor] = {}
        self.state = x.requires_grad_(True)

    def run(self) -> Mapping[Site, Tensor]:
        """What the part shows."""
        sites = [*self._sites, self._input, *([Site.RESID_MID] if self._is_between else [])]
        calls = self._adapter.calls(self.state.shape[1])
        with attached(self._adapter, [(site, self._layer) for site in sites], self._sees):
            self._adapter.run_block(self._layer, self.state, calls)
        return self._seen

    def _sees(self, site: Site, layer: int, value: Tensor) -> Tensor | None:
        if site is Site.RESID_MID:
            self.state = value.detach().requires_grad_(True)
            return self.state
        if site is self._input:
            return self._norm.frozen(self.state).to(value)
        self._seen[site] = value[0]
        return None
