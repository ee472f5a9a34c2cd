"""What fp32 cannot hold is an error, never a number: asked of every pass, whatever it is for.

A residual that is too large need not show as infinity or NaN: see `squares`. And it need not be at
a position that is looked at: all later ones attend to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.errors import NonFiniteResult


def squares(states: Tensor) -> Tensor:
    """Squared norms of states [*, D] in fp32: [*]. Where one is not finite, the state cannot be
    held: where it overflows, a norm divides by infinity and gives finite nonsense."""
    x = states.float()
    found: Tensor = torch.linalg.vecdot(x, x)
    return found


def check(found: Sequence[Tensor], layers: Sequence[int], *, generating: bool = False) -> None:
    """Raise unless everything is finite.

    Args:
        found: tensors of one shape, squared norms or whatever else must be finite.
        layers: where each was found.

    Raises:
        NonFiniteResult: naming the first layer that cannot be held.
    """
    held = torch.stack(tuple(found)).isfinite().flatten(1).all(dim=1)
    if not held.all():
        lost = (~held).nonzero().flatten().tolist()
        raise overflow(min(layers[place] for place in lost), generating=generating)


def overflow(layer: int, *, generating: bool = False) -> NonFiniteResult:
    """The error for numbers that fp32, or the model's own format, cannot hold.

    Args:
        layer: the first that they cannot be held in; the error's details tell it.
    """
    where = f"in layer {layer}{' while generating' if generating else ''}"
    return NonFiniteResult(
        f"The model's numbers overflow {where}. If interventions set, scale or add, use smaller "
        "values; if there are none, its weights are damaged or its dtype is too narrow.",
        layer=layer,
    )
