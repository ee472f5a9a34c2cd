"""Edits of a forward pass as data: at one site of one layer, x := factor * x + shift, by position
and index, perhaps with something from another row of the batch.

The buffers have a fixed shape for a prompt, so that whoever runs a pass more than once may write
new numbers into them and leave everything else as it is. What people ask for (rules 8 to 15)
becomes such edits in `interventions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from lm_debugger.engine.sites import Site

Edits: TypeAlias = Mapping[tuple[int, Site], "SiteEdit"]
"""By layer and site."""


@dataclass(frozen=True, slots=True, eq=False)
class FromRow:
    """An operand that another row of the same batch gives, while both run.

    Attributes:
        gain: [T + 1, n], what it is multiplied with before it is added; row for row as in
            `SiteEdit`.
        read: the other row's values at the site, [T, *], unedited -> [n] or [T + 1, n].
        row: its number in the batch; None: the one that the edited row branches off.
    """

    gain: Tensor
    read: Callable[[Tensor], Tensor]
    row: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SiteEdit:
    """One site of one layer.

    Attributes:
        index: [n], int64, along the site's last axis.
        factor, shift: [T + 1, n]; row p is for prompt position p, row T for every generated token.
        other: see `FromRow`.
    """

    site: Site
    layer: int
    index: Tensor
    factor: Tensor
    shift: Tensor
    other: FromRow | None = None

    def with_other(self, values: Tensor) -> SiteEdit:
        """The same with the other row's values [T, *] read, and no operand left open."""
        assert self.other is not None
        more = self.other.gain * self.other.read(values).to(self.shift)
        return replace(self, shift=self.shift + more, other=None)

    def write(self, x: Tensor, start: int) -> None:
        """Edit x [t, *] in place; its first row is position `start` of the text. Nothing may be
        open: an operand that was never read would be left out in silence."""
        assert self.other is None
        rows = torch.arange(start, start + x.shape[0], device=x.device)
        rows = rows.clamp(max=self.factor.shape[0] - 1)
        x[:, self.index] = x[:, self.index] * self.factor[rows] + self.shift[rows]

    @property
    def key(self) -> tuple[bytes, ...]:
        """Equal for edits of one site that do the same; nothing may be open."""
        assert self.other is None
        return tuple(
            part.cpu().contiguous().view(torch.uint8).numpy().tobytes()
            for part in (self.index, self.factor, self.shift)
        )


def first_layer(edits: Edits, otherwise: int) -> int:
    """The lowest layer that is edited."""
    return min((layer for layer, _ in edits), default=otherwise)
