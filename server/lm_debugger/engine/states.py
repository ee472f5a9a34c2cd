"""What a run left behind, at some of the positions that it recorded. Whoever reads a run reads it
through these.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lm_debugger.engine.kept import Kept


def states(run: Kept, positions: Sequence[int], start: int = 0) -> Tensor:
    """The residuals before and after every FFN from layer `start` on, [l, 2, P, D]."""
    return run.done.states[start:, :, _columns(run, positions)]


def coefficients(run: Kept, positions: Sequence[int], start: int = 0) -> Tensor:
    """m of every layer from `start` on, [l, P, F], fp32."""
    return run.done.coefficients[start:, _columns(run, positions)]


def n_layers(run: Kept) -> int:
    """L."""
    return len(run.done.inputs)


def _columns(run: Kept, positions: Sequence[int]) -> list[int]:
    return [run.done.positions.index(position) for position in positions]
