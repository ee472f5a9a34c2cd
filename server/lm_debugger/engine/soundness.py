"""What fp32 cannot hold is an error, never a number: asked of every pass, whatever it is for.

A residual that is too large need not show as infinity or NaN: see `is_sound`. And it need not be at
a position that is looked at: all later ones attend to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.errors import NonFiniteResult


def is_sound(states: Tensor) -> Tensor:
    """Which states [*, D] fp32 can hold: [*], bool.

    The squared norm counts: where it overflows, a norm divides by infinity and gives finite
    nonsense.
    """
    return states.float().square().sum(dim=-1).isfinite()


def check(sound: Sequence[Tensor], first: int = 0, *, generating: bool = False) -> None:
    """Raise unless all layers are sound.

    Args:
        sound: of each layer that ran, a bool.
        first: the number of the first of them.

    Raises:
        NonFiniteResult: naming the first layer that cannot be held.
    """
    found = torch.stack(tuple(sound)).cpu()
    if not found.all():
        raise overflow(first + int((~found).nonzero()[0]), generating=generating)


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
