"""What every state of a run predicts, positions x layers: the lens at all positions at once (rules
4 and 5), in one or both runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from lm_debugger.engine import weight
from lm_debugger.engine.asked import Positions
from lm_debugger.engine.questions.base import Answer, AtPositions, Runs
from lm_debugger.engine.readings import OF_STATES, Reading
from lm_debugger.engine.tokens import Token

if TYPE_CHECKING:
    from torch import Tensor

    from lm_debugger.engine.lens import Distributions, Lens
    from lm_debugger.engine.model import Model

Cells: TypeAlias = tuple[tuple[float, ...], ...]
N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class GridRun:
    """The lens over one run: 2 L rows in the order before 0, after 0, before 1, ..., each with P
    cells."""

    tokens: Annotated[tuple[tuple[int, ...], ...], "id of the likeliest token, ties by lower id"]
    probs: Annotated[Cells, "its probability"]
    entropies: Annotated[Cells, "of the whole distribution, in nats"]


@dataclass(frozen=True, slots=True, repr=False)
class Grid(Answer):
    """What every state predicts, positions x layers."""

    model: str
    tokens: Annotated[tuple[Token, ...], "of the prompt"]
    positions: Annotated[tuple[int, ...], "P of them, the columns"]
    vocabulary: Annotated[tuple[Token, ...], "every token that a cell names, by id"]
    unedited: GridRun
    edited: Annotated[GridRun | None, "null without interventions"]
    kl: Annotated[
        Cells | None, "KL(edited || unedited) of every cell, in nats; null as `edited` is"
    ]
    reading: Annotated[Reading, "how the cells' tokens are read"] = OF_STATES

    def __repr__(self) -> str:
        runs = "unedited" if self.edited is None else "unedited and edited"
        shape = f"{len(self.unedited.tokens)} states x {len(self.positions)} positions"
        return f"<Grid by {self.model}: {runs}, {shape}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(AtPositions[Grid]):
    """What does every state at some positions of a prompt predict?"""

    positions: Annotated[Positions, "of the prompt"] = "all"

    def weight(self, shape: weight.Shape) -> int:
        """P columns in one run or two, and the tokens that they name."""
        runs = 2 if self.interventions else 1
        cells = 2 * shape.n_layers * len(self.columns)
        named = min(runs * cells, shape.vocab_size)
        return cells * weight.NUMBER * (3 * runs + (runs - 1)) + named * weight.TOKEN

    def answer(self, model: Model, runs: Runs) -> Grid:
        """Of states [L, 2, P, D], row by row."""
        plain = model.states(runs.unedited, self.columns).flatten(0, 2)
        kl: list[float] | None = None
        if self.interventions:
            changed = model.states(runs.edited, self.columns).flatten(0, 2)
            *both, kl = _read_both(model.lens, plain, changed)
        else:
            both = [_read(model.lens, plain)]
        tables = [each.table(len(self.columns)) for each in both]
        named = sorted({id for table in tables for row in table.tokens for id in row})
        return Grid(
            model=model.name,
            tokens=model.tokens(runs.prompt.ids),
            positions=self.columns,
            vocabulary=model.tokens(named),
            unedited=tables[0],
            edited=tables[1] if self.interventions else None,
            kl=None if kl is None else _cells(kl, len(self.columns)),
        )


@dataclass(slots=True)
class _Columns:
    """Of S states, one number each."""

    ids: list[int] = field(default_factory=list)
    probs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)

    def add(self, found: Distributions) -> None:
        """The next states."""
        values, ids = found.top(1)
        self.ids += ids[:, 0].tolist()
        self.probs += values[:, 0].tolist()
        self.entropies += found.entropies.tolist()

    def table(self, n: int) -> GridRun:
        """As rows of n = P cells."""
        return GridRun(_cells(self.ids, n), _cells(self.probs, n), _cells(self.entropies, n))


def _read(lens: Lens, states: Tensor) -> _Columns:
    found = _Columns()
    for block in lens.blocks(states):
        found.add(lens.distributions(block))
    return found


def _read_both(
    lens: Lens, plain: Tensor, changed: Tensor
) -> tuple[_Columns, _Columns, list[float]]:
    """Both runs' columns and KL(changed || plain) [S], clamped at 0 against rounding."""
    unedited, edited = _Columns(), _Columns()
    divergences: list[float] = []
    for blocks in zip(lens.blocks(plain), lens.blocks(changed), strict=True):
        before, after = (lens.distributions(block) for block in blocks)
        divergences += after.divergences(before).tolist()
        unedited.add(before)
        edited.add(after)
    return unedited, edited, divergences


def _cells(column: Sequence[N], n: int) -> tuple[tuple[N, ...], ...]:
    """[2 L P] -> 2 L rows of n = P cells."""
    return tuple(tuple(column[i : i + n]) for i in range(0, len(column), n))
