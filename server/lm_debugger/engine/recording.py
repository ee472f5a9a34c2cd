"""What a forward pass left at the sites that were asked for; nothing else is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lm_debugger.engine.sites import Site


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One run.

    Attributes:
        positions: P indices into the prompt.
        residual: L + 1 tensors [T, D], the residual before each block and after the last, at all
            positions: whoever branches off needs them.
        parts: of every other site that was recorded, a tensor a layer, at `positions`: [P, *];
            queries [H, P, d], the pattern [H, P, T] of these queries, keys and values [G, T, d] at
            all positions. Coefficients are fp32.
    """

    positions: tuple[int, ...]
    residual: tuple[Tensor, ...]
    parts: Mapping[Site, tuple[Tensor, ...]]

    @property
    def n_layers(self) -> int:
        """L."""
        return len(self.residual) - 1

    def __getitem__(self, site: Site) -> Tensor:
        """All layers of a site, [L, P, *].

        Raises:
            KeyError: it was not recorded.
        """
        match site:
            case Site.RESID_PRE:
                return self._residual(self.residual[:-1])
            case Site.RESID_POST:
                return self._residual(self.residual[1:])
            case Site.RESID_MID if site not in self.parts:
                # Of parallel blocks: what it would be if the FFN came last (rule 3).
                return self[Site.RESID_POST] - self[Site.FFN_OUT]
        return torch.stack(self.parts[site])

    def states(self, positions: Sequence[int], start: int = 0) -> Tensor:
        """The residual before and after every FFN (rule 3) from a layer on, at some of the
        recorded positions: [L - start, 2, P', D]."""
        both = torch.stack((self[Site.RESID_MID], self[Site.RESID_POST]), dim=1)
        return both[start:, :, self.columns(positions)]

    def final(self, position: int) -> Tensor:
        """The residual that the final norm reads, [D]."""
        return self.residual[-1][position]

    def columns(self, positions: Sequence[int]) -> list[int]:
        """Where some of the recorded positions are among them."""
        return [self.positions.index(position) for position in positions]

    def _residual(self, layers: Sequence[Tensor]) -> Tensor:
        rows = torch.tensor(self.positions, device=layers[0].device)
        return torch.stack([layer.index_select(0, rows) for layer in layers])

    @property
    def weight(self) -> int:
        """Bytes."""
        every = [*self.residual, *(tensor for part in self.parts.values() for tensor in part)]
        return sum(tensor.numel() * tensor.element_size() for tensor in every)
