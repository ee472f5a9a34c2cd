"""The lens over all positions at once: what every state of a run predicts (rules 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.engine.lens import Distributions, Lens
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.types import Grid, GridRun, Token
from lm_debugger.engine.vocabulary import Vocabulary


def grid(
    lens: Lens,
    vocabulary: Vocabulary,
    tokens: Sequence[Token],
    positions: tuple[int, ...],
    unedited: Recording,
    edited: Recording | None,
) -> Grid:
    """Likeliest token, its probability and the entropy of 2 L x P states, in one or both runs.

    Args:
        tokens: of the prompt.
        positions: P of them, which both passes recorded.
        edited: None: there are no interventions.
    """
    with torch.inference_mode():
        plain = _rows(unedited, positions)
        if edited is None:
            runs = [_read(lens, plain)]
            kl = None
        else:
            changed = _rows(edited, positions)
            *runs, kl = _read_both(lens, plain, changed)
    n = len(positions)
    tables = [GridRun(*(_table(column, n) for column in run)) for run in runs]
    named = sorted({id for table in tables for row in table.tokens for id in row})
    return Grid(
        tokens=tuple(tokens),
        positions=positions,
        vocabulary=tuple(vocabulary.token(id) for id in named),
        unedited=tables[0],
        edited=tables[1] if edited is not None else None,
        kl=None if kl is None else _table(kl, n),
    )


def _rows(done: Recording, positions: Sequence[int]) -> Tensor:
    """[L, 2, P, D] at some of the recorded positions -> [2 L P, D]."""
    return done.states(positions).flatten(0, 2)


_Columns = tuple[Tensor, Tensor, Tensor]  # token ids, probabilities, entropies, each [S]


def _read(lens: Lens, states: Tensor) -> _Columns:
    parts = [_summary(lens.distributions(block)) for block in lens.blocks(states)]
    ids, probs, entropies = (torch.cat(part) for part in zip(*parts, strict=True))
    return ids, probs, entropies


def _read_both(lens: Lens, plain: Tensor, changed: Tensor) -> tuple[_Columns, _Columns, Tensor]:
    """Both runs' columns and KL(changed || plain) [S], clamped at 0 against rounding."""
    columns: tuple[list[_Columns], list[_Columns]] = ([], [])
    divergences = []
    for blocks in zip(lens.blocks(plain), lens.blocks(changed), strict=True):
        before, after = (lens.distributions(block) for block in blocks)
        divergences.append(after.divergences(before))
        columns[0].append(_summary(before))
        columns[1].append(_summary(after))
    unedited, edited = (
        tuple(torch.cat(part) for part in zip(*parts, strict=True)) for parts in columns
    )
    return unedited, edited, torch.cat(divergences)  # type: ignore[return-value]


def _summary(found: Distributions) -> _Columns:
    """Of S states: see `_Columns`."""
    values, ids = found.top(1)
    return ids[:, 0], values[:, 0], found.entropies


def _table(column: Tensor, n: int) -> tuple[tuple, ...]:  # type: ignore[type-arg]
    """[2 L P] -> 2 L rows of P = n cells."""
    return tuple(map(tuple, column.reshape(-1, n).tolist()))
