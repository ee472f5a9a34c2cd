"""Banks: the directions of one kind that a model can write into its residual stream.

A bank is a matrix [N_l, D] for every layer and names for its rows. Widths may differ from layer to
layer, and a layer may have none. Whatever is made of a bank counts its rows through, layer by
layer: row (l, i) is number `offsets[l] + i` of N.

One line of `BANKS` is all that a further bank needs beside its own file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from typing import Any, overload

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.given import shown
from lm_debugger.engine.interventions import check_value
from lm_debugger.engine.nodes import Node, ValueId
from lm_debugger.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class Bank:
    """The rows of one kind, of one model.

    Attributes:
        name: by which it is asked for, a key of `BANKS`.
        heights: N_l of each of the L layers; 0 where a layer has no such rows.
        matrix: layer -> [N_l, D], the directions as searches and clusters compare them; may be
            computed anew by each call, so nobody keeps more than one.
        node: (layer, row) -> what it is called in answers.
        place: the way back, for whatever a caller may pass; raises InvalidInput or one of its
            subclasses for a name that no row has (rule 12).
    """

    name: str
    heights: tuple[int, ...]
    matrix: Callable[[int], Tensor]
    node: Callable[[int, int], Node]
    place: Callable[[Any], tuple[int, int]]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """[L + 1]: the number of each layer's first row, and N."""
        return (0, *accumulate(self.heights))

    @property
    def n_rows(self) -> int:
        """N."""
        return self.offsets[-1]

    @property
    def n_layers(self) -> int:
        """L."""
        return len(self.heights)

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """Those that have rows, ascending."""
        return tuple(layer for layer, height in enumerate(self.heights) if height)

    @property
    def matrices(self) -> Matrices:
        """One for each of `layers`, when it is asked for."""
        return Matrices(self)

    def number(self, node: Any) -> int:
        """A row's number. Raises: what `place` raises."""
        layer, row = self.place(node)
        return self.offsets[layer] + row

    def layer_of(self, number: int) -> int:
        """The layer that row `number` of N is in."""
        return bisect_right(self.offsets, number) - 1

    def named(self, number: int) -> Node:
        """What row `number` of N is called."""
        layer = self.layer_of(number)
        return self.node(layer, number - self.offsets[layer])

    def of_layers(self, values: Tensor, first: int, last: int) -> Tensor:
        """Those of `values` [N] that belong to the layers from `first` to `last`."""
        return values[self.offsets[first] : self.offsets[last + 1]]

    @cached_property
    def norms(self) -> Tensor:
        """||v||_2 of every row, [N], fp32, on the CPU."""
        with torch.inference_mode():
            return torch.cat([matrix.float().norm(dim=1).cpu() for matrix in self.matrices])


class Matrices(Sequence[Tensor]):
    """A bank's matrices, made one at a time."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def __len__(self) -> int:
        return len(self._bank.layers)

    @overload
    def __getitem__(self, at: int) -> Tensor: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, at: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(at, slice):
            return [self._bank.matrix(layer) for layer in self._bank.layers[at]]
        return self._bank.matrix(self._bank.layers[at])

    def __iter__(self) -> Iterator[Tensor]:
        return map(self._bank.matrix, self._bank.layers)


def values(adapter: Adapter) -> Bank:
    """The value vectors, F in every layer."""

    def place(at: Any) -> tuple[int, int]:
        if isinstance(at, Node):
            at = ValueId.of(at)
        if not isinstance(at, ValueId):
            raise InvalidInput(f"A value vector is named by a ValueId or Node, not by {shown(at)}.")
        known = check_value(adapter, at.layer, at.dim)
        return known.layer, known.dim

    heights = (adapter.ffn_width,) * adapter.n_layers
    return Bank("values", heights, adapter.value_directions, partial(Node, "value"), place)


BANKS: dict[str, Callable[[Adapter], Bank]] = {"values": values}
"""How each bank is made of a model."""
