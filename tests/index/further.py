"""A second bank and a third stage, as somebody would add them: one file, and one line each.

The bank is on some layers only, its widths differ, its matrices are made anew by every call, and
its rows have names of their own. The stage reads another's results and leaves a file a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.nodes import Node
from lm_debugger.errors import InvalidNode, UnknownDimension
from lm_debugger.index import stages
from lm_debugger.index.bank import BANKS, Bank
from lm_debugger.index.stages.base import Stage, Work
from lm_debugger.index.stages.projections import Projections
from tests.reference import Array, Oracle, ranked
from tests.reference_index import Library, Vector

HEIGHTS = (0, 40, 13)
"""Of a model of three layers."""


def gain(width: int) -> Tensor:
    """As of a norm that stands behind the rows: [D]."""
    return torch.linspace(0.5, 2, width)


def name(layer: int, row: int) -> Node:
    return Node("latent", layer, 100 + 2 * row, dictionary="uneven")


def place(node: Any) -> tuple[int, int]:
    if node.dictionary != "uneven":
        raise InvalidNode(f"{node} is of another bank.")
    row, odd = divmod(node.index - 100, 2)
    if odd or not 0 <= row < HEIGHTS[node.layer]:
        raise UnknownDimension(f"There is no {node} in this bank.")
    return node.layer, row


def uneven(adapter: Adapter) -> Bank:
    def matrix(layer: int) -> Tensor:
        rows = adapter.value_matrix(layer)[: HEIGHTS[layer]].detach()
        return rows * gain(rows.shape[1])

    return Bank("uneven", HEIGHTS, matrix, name, place)


class Lengths(Stage[Sequence[Tensor]]):
    """||v||^2 of each row and the mean of the logits that it lists, [N_l, 2]."""

    name = "lengths"
    files = "lengths"
    inputs = (Projections,)

    def n_steps(self, bank: Bank) -> int:
        return len(bank.layers)

    def run(self, work: Work) -> Sequence[Tensor]:
        found = []
        for done, layer in enumerate(work.bank.layers, start=1):
            work.pause()
            listed = work.result(Projections)[done - 1].promoted_logits
            stored = work.once(str(layer), lambda la=layer, ls=listed: {"both": both(work, la, ls)})
            work.publish(layer)
            found.append(stored["both"])
            work.step(done)
        return found


def both(work: Work, layer: int, listed: Tensor) -> Tensor:
    squares = work.bank.matrix(layer).square().sum(dim=1)
    return torch.stack([squares, listed.mean(dim=1)], dim=1)


def register() -> None:
    """Both lines, for the rest of this process; a test lets monkeypatch do the same."""
    BANKS["uneven"] = uneven
    stages.STAGES = (*stages.STAGES, Lengths)


class Rows(Library):
    """What the oracle says of the bank: the same searches over other rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        oracle = self.oracle
        self.rows = {
            (layer, row): rows_of(oracle, layer)[row]
            for layer, height in enumerate(HEIGHTS)
            for row in range(height)
        }
        self.vectors: list[Vector] = list(self.rows)
        self.logits = {at: oracle.unembedding @ row for at, row in self.rows.items()}
        self.top = {at: ranked(logits, 50) for at, logits in self.logits.items()}


def rows_of(oracle: Oracle, layer: int) -> Array:
    values = oracle.values(layer)
    return np.asarray(values * gain(values.shape[1]).double().numpy())
