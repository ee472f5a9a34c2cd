"""The rules for editing coefficients (rules 8 to 15), merged into one edit per layer.

Every kind of intervention is an affine map of one coefficient, m_i := factor * m_i + shift:

    on      0, act(c)      off     0, act(0)      (rule 9; written before the activation there,
    set     0, value                               which is the same, as it acts elementwise)
    scale   value, 0       add     1, value

so a layer's edits are two small matrices over positions and edited dimensions. Where two
interventions name the same vector, the later one wins, position by position (rule 11).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsIndex

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.checks import resolve_positions
from lm_debugger.engine.given import shown, whole
from lm_debugger.engine.types import Intervention, ValueId
from lm_debugger.errors import (
    NonFiniteResult,
    UnknownDimension,
    UnknownLayer,
    about_intervention,
)

BOOST_MARGIN = 0.01
"""Rule 9: c exceeds the layer's largest sub-update score by this much."""


@dataclass(frozen=True, slots=True)
class LayerEdit:
    """One layer's edits of n coefficients.

    Attributes:
        dims: [n], int64, which coefficients.
        factor, shift: [T + 1, n]; row p is for prompt position p, row T for every generated token.
        boosted: [T + 1, n], bool: where act(c) is still to be written, because the unedited run
            that c is taken from (rule 10) runs at the same time; None: nowhere.
    """

    dims: Tensor
    factor: Tensor
    shift: Tensor
    boosted: Tensor | None = None

    def with_boost(self, value: float) -> LayerEdit:
        """The same with act(c) = `value` filled in."""
        assert self.boosted is not None
        return LayerEdit(self.dims, self.factor, self.shift.masked_fill(self.boosted, value))

    def write(self, m: Tensor, start: int) -> None:
        """Edit m [t, F] in place; its first row is position `start` of the text."""
        rows = torch.arange(start, start + m.shape[0], device=m.device)
        rows = rows.clamp(max=self.factor.shape[0] - 1)
        m[:, self.dims] = m[:, self.dims] * self.factor[rows] + self.shift[rows]

    @property
    def key(self) -> tuple[bytes, ...]:
        """Equal for edits that do the same; `boosted` must be None."""
        assert self.boosted is None
        return tuple(
            part.cpu().contiguous().view(torch.uint8).numpy().tobytes()
            for part in (self.dims, self.factor, self.shift)
        )


def check_value(adapter: Adapter, layer: SupportsIndex, dim: SupportsIndex) -> ValueId:
    """The value vector of a layer and a dimension, if the model has it (rule 12).

    Raises:
        UnknownLayer, UnknownDimension: naming the allowed range.
    """
    at, width = whole(layer), adapter.ffn_width
    if at is None or not 0 <= at < adapter.n_layers:
        raise UnknownLayer(
            f"There is no layer {shown(layer)}; this model's layers are 0 to "
            f"{adapter.n_layers - 1}.",
            layer=at if at is not None else shown(layer),
            minimum=0,
            maximum=adapter.n_layers - 1,
        )
    row = whole(dim)
    if row is None or not 0 <= row < width:
        raise UnknownDimension(
            f"There is no dimension {shown(dim)} in layer {at}; dimensions are 0 to {width - 1}.",
            layer=at,
            dim=row if row is not None else shown(dim),
            minimum=0,
            maximum=width - 1,
        )
    return ValueId(at, row)


def check(adapter: Adapter, interventions: Sequence[Intervention], n_tokens: int) -> None:
    """Raise what is wrong with a list before anything is computed.

    Raises:
        UnknownLayer, UnknownDimension, InvalidPosition: see `about_intervention`.
    """
    for place, item in enumerate(interventions):
        with about_intervention(place, item.id):
            check_value(adapter, item.layer, item.dim)
            resolve_positions(item.positions, n_tokens, what=str(item.id))


def pre_activation(item: Intervention, boosts: Sequence[float]) -> float | None:
    """What rule 9 writes before the activation: c of the layer for "on", 0 for "off", else None.

    `boosts`: [L], c of every layer, from the unedited run (rule 10).
    """
    return boosts[item.layer] if item.kind == "on" else 0.0 if item.kind == "off" else None


@dataclass(frozen=True, slots=True)
class _Map:
    """What becomes of one coefficient, [T + 1] each, row for row as in `LayerEdit`; `written_by`
    is the intervention that holds there, by its place in the list, -1 where none does."""

    factor: Tensor
    shift: Tensor
    written_by: Tensor

    @classmethod
    def identity(cls, n_rows: int) -> _Map:
        ones = torch.ones(n_rows, dtype=torch.float64)
        return cls(ones, torch.zeros_like(ones), torch.full((n_rows,), -1))


def merge(
    adapter: Adapter,
    interventions: Sequence[Intervention],
    n_tokens: int,
    boosts: Sequence[float] | None,
) -> dict[int, LayerEdit]:
    """All edits of a request by layer; layers and vectors that end up unchanged are left out, so
    that no-ops are exact (rule 15).

    Args:
        n_tokens: T, length of the prompt.
        boosts: [L], see `pre_activation`; None: not known yet, see `LayerEdit.boosted`.

    Raises:
        UnknownLayer, UnknownDimension, InvalidPosition: see `check`.
        NonFiniteResult: a value is too large for the model's dtype; see `about_intervention`.
    """
    check(adapter, interventions, n_tokens)
    maps: dict[ValueId, _Map] = {}
    for place, item in enumerate(interventions):
        if item.id not in maps:
            maps[item.id] = _Map.identity(n_tokens + 1)
        found = maps[item.id]
        rows = [*resolve_positions(item.positions, n_tokens)]
        if item.edits_generated:
            rows.append(n_tokens)
        found.written_by[rows] = place
        if item.kind == "on" and boosts is None:
            found.factor[rows], found.shift[rows] = 0.0, math.nan  # a mark: see `_by_layer`
        else:
            found.factor[rows], found.shift[rows] = _affine(adapter, item, boosts or ())
    return _by_layer(adapter, maps)


def _affine(adapter: Adapter, item: Intervention, boosts: Sequence[float]) -> tuple[float, float]:
    """(factor, shift) of one intervention."""
    before_activation = pre_activation(item, boosts)
    if before_activation is not None:
        activation: Callable[[Tensor], Tensor] = adapter.blocks[item.layer].activation
        weight = adapter.value_matrix(item.layer)
        at = torch.tensor([before_activation], dtype=weight.dtype, device=weight.device)
        return 0.0, float(activation(at))
    value = item.value
    assert value is not None
    return {"set": (0.0, value), "scale": (value, 0.0), "add": (1.0, value)}[item.kind]


def _by_layer(adapter: Adapter, maps: Mapping[ValueId, _Map]) -> dict[int, LayerEdit]:
    columns: dict[int, list[tuple[ValueId, _Map]]] = {}
    for id, found in maps.items():
        if bool((found.factor != 1).any() or (found.shift != 0).any()):
            columns.setdefault(id.layer, []).append((id, found))
    edits = {}
    for layer, items in columns.items():
        weight = adapter.value_matrix(layer)
        factor = torch.stack([found.factor for _, found in items], dim=1).to(weight)
        shift = torch.stack([found.shift for _, found in items], dim=1).to(weight)
        boosted = shift.isnan()
        shift = shift.masked_fill(boosted, 0.0)
        unsound = ~(factor.isfinite() & shift.isfinite())
        if unsound.any():
            row, column = unsound.nonzero()[0].tolist()
            id, found = items[column]
            with about_intervention(int(found.written_by[row]), id):
                raise NonFiniteResult(
                    f"{id}: the intervention's value is too large for {weight.dtype}.", layer=layer
                )
        dims = torch.tensor([id.dim for id, _ in items], device=weight.device)
        edits[layer] = LayerEdit(dims, factor, shift, boosted if boosted.any() else None)
    return edits
