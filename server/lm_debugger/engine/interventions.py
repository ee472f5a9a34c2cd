"""The rules for editing coefficients (rules 8 to 15), merged into one `SiteEdit` per layer.

Every kind of intervention is an affine map of one coefficient, m_i := factor * m_i + shift:

    on      0, act(c)      off     0, act(0)      (rule 9; written before the activation there,
    set     0, value                               which is the same, as it acts elementwise;
    scale   value, 0       add     1, value        for gated FFNs see `boosts`, and off is 0)

so a layer's edits are two small matrices over positions and edited dimensions. Where two
interventions name the same vector, the later one wins, position by position (rule 11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import SupportsIndex

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.boosts import Boosts, boosted
from lm_debugger.engine.checks import resolve_positions
from lm_debugger.engine.edits import Edits, FromRow, SiteEdit
from lm_debugger.engine.nodes import Shape, ValueId, value_in
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention
from lm_debugger.errors import NonFiniteResult, about_intervention


def check_value(adapter: Adapter, layer: SupportsIndex, dim: SupportsIndex) -> ValueId:
    """The value vector of a layer and a dimension, if the model has it (rule 12).

    Raises:
        UnknownLayer, UnknownDimension: naming the allowed range.
    """
    return value_in(Shape(adapter.n_layers, adapter.ffn_width), layer, dim)


def check(adapter: Adapter, interventions: Sequence[Intervention], n_tokens: int) -> None:
    """Raise what is wrong with a list before anything is computed.

    Raises:
        UnknownLayer, UnknownDimension, InvalidPosition: see `about_intervention`.
    """
    for place, item in enumerate(interventions):
        with about_intervention(place, item.id):
            check_value(adapter, item.layer, item.dim)
            resolve_positions(item.positions, n_tokens, what=str(item.id))


def pre_activation(adapter: Adapter, item: Intervention, boosts: Boosts) -> float | None:
    """What rule 9 writes before the activation of a plain FFN: c of the layer for "on", 0 for
    "off", else None; None for gated ones, which have no single pre-activation."""
    if adapter.is_gated:
        return None
    return boosts.c[item.layer] if item.kind == "on" else 0.0 if item.kind == "off" else None


@dataclass(frozen=True, slots=True)
class _Map:
    """What becomes of one coefficient, [T + 1] each, row for row as in `SiteEdit`: factor, shift,
    and how much of its boost is added (0 or 1); `written_by` is the intervention that holds there,
    by its place in the list, -1 where none does."""

    factor: Tensor
    shift: Tensor
    boost: Tensor
    written_by: Tensor

    @classmethod
    def identity(cls, n_rows: int) -> _Map:
        ones = torch.ones(n_rows, dtype=torch.float64)
        zeros = torch.zeros_like(ones)
        return cls(ones, zeros, zeros.clone(), torch.full((n_rows,), -1))

    @property
    def is_noop(self) -> bool:
        return not bool((self.factor != 1).any() or self.shift.any() or self.boost.any())


def merge(
    adapter: Adapter,
    interventions: Sequence[Intervention],
    n_tokens: int,
    boosts: Boosts | Tensor | None,
) -> Edits:
    """All edits of a checked request by layer; layers and vectors that end up unchanged are left
    out, so that no-ops are exact (rule 15).

    Args:
        n_tokens: T, length of the prompt.
        boosts: rule 9's values; the norms [L, F] (`passes.Runner.norms`) where the unedited run
            (rule 10) is to run at the same time, as the row that the edited one branches off; None
            where nothing is boosted.

    Raises:
        NonFiniteResult: a value is too large for the model's dtype; see `about_intervention`.
    """
    maps: dict[ValueId, _Map] = {}
    for place, item in enumerate(interventions):
        if item.id not in maps:
            maps[item.id] = _Map.identity(n_tokens + 1)
        found = maps[item.id]
        rows = [*resolve_positions(item.positions, n_tokens)]
        if item.edits_generated:
            rows.append(n_tokens)
        found.written_by[rows] = place
        known = boosts if isinstance(boosts, Boosts) else None
        found.factor[rows], found.shift[rows] = _affine(adapter, item, known)
        found.boost[rows] = float(item.kind == "on" and known is None)
    return _by_layer(adapter, maps, boosts if isinstance(boosts, Tensor) else None)


def _affine(adapter: Adapter, item: Intervention, boosts: Boosts | None) -> tuple[float, float]:
    """(factor, shift) of one intervention."""
    if item.kind == "on":
        return 0.0, 0.0 if boosts is None else boosts.value(item.layer, item.dim)
    if item.kind == "off":
        return 0.0, at_zero(adapter, item.layer)
    value = item.value
    assert value is not None
    return {"set": (0.0, value), "scale": (value, 0.0), "add": (1.0, value)}[item.kind]


def at_zero(adapter: Adapter, layer: int) -> float:
    """What "off" writes: act(0) of a plain FFN (rule 9), 0 of a gated one."""
    if adapter.is_gated:
        return 0.0
    return float(adapter.activation(layer)(adapter.value_matrix(layer).new_zeros(1)))


def _by_layer(adapter: Adapter, maps: Mapping[ValueId, _Map], norms: Tensor | None) -> Edits:
    columns: dict[int, list[tuple[ValueId, _Map]]] = {}
    for id, found in maps.items():
        if not found.is_noop:
            columns.setdefault(id.layer, []).append((id, found))
    edits = {}
    for layer, items in columns.items():
        weight = adapter.value_matrix(layer)
        factor, shift, boost = (
            torch.stack([getattr(found, name) for _, found in items], dim=1).to(weight)
            for name in ("factor", "shift", "boost")
        )
        unsound = ~(factor.isfinite() & shift.isfinite())
        if unsound.any():
            row, column = unsound.nonzero()[0].tolist()
            id, found = items[column]
            with about_intervention(int(found.written_by[row]), id):
                raise NonFiniteResult(
                    f"{id}: the intervention's value is too large for {weight.dtype}.", layer=layer
                )
        dims = torch.tensor([id.dim for id, _ in items], device=weight.device)
        other = None
        if boost.any():
            assert norms is not None
            other = FromRow(boost, partial(_last_boosted, adapter, layer, norms[layer], dims))
        edits[layer, Site.COEFFICIENTS] = SiteEdit(
            Site.COEFFICIENTS, layer, dims, factor, shift, other
        )
    return edits


def _last_boosted(adapter: Adapter, layer: int, norms: Tensor, dims: Tensor, m: Tensor) -> Tensor:
    """`boosted` from the coefficients [T, F] of the unedited row."""
    return boosted(adapter, layer, norms, m[-1], dims)
