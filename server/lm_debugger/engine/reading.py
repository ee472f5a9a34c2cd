"""Passes -> what people see: tokens and sub-updates of every layer (rules 4 to 6), and both runs
side by side. Layers that were read before are not read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from lm_debugger.engine.edits import first_layer
from lm_debugger.engine.kept import Kept, ReadAt
from lm_debugger.engine.lens import Distributions, Lens, top_k
from lm_debugger.engine.nodes import name_of
from lm_debugger.engine.passes import Runner
from lm_debugger.engine.sites import Site
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.engine.types import (
    LayerComparison,
    LayerTrace,
    PositionComparison,
    PositionTrace,
    Run,
    StateComparison,
    StateReading,
    SubUpdate,
    TokenChange,
)
from lm_debugger.engine.vocabulary import Vocabulary

_TINY = torch.finfo(torch.float32).tiny
_Updates: TypeAlias = tuple[tuple[SubUpdate, ...], float]
_Top: TypeAlias = tuple[list[int], list[float], float]
"""Ids and probabilities of the likeliest tokens, and the entropy."""


class _Predictions(NamedTuple):
    top: list[_Top]
    distributions: Distributions | None
    """None: too many to be held."""


@dataclass(frozen=True, slots=True)
class ToRead:
    """What is to be read of a run: `positions`, which it recorded, and K."""

    kept: Kept
    positions: tuple[int, ...]
    k: int
    is_compared: bool = True
    """A comparison with another run may follow, which needs all logits."""

    @property
    def at(self) -> ReadAt:
        """Positions and K."""
        return self.positions, self.k

    @property
    def found(self) -> list[list[LayerTrace]]:
        """What is read already: for each position, the lowest layers."""
        return self.kept.readings.setdefault(self.at, [[] for _ in self.positions])

    @property
    def start(self) -> int:
        """The first layer that is not read yet."""
        return len(self.found[0])

    @property
    def n_states(self) -> int:
        """How many states that leaves."""
        return 2 * (self.kept.done.n_layers - self.start) * len(self.positions)


class Reader:
    """Reads the runs of one model."""

    def __init__(self, runner: Runner, lens: Lens, vocabulary: Vocabulary) -> None:
        self._runner = runner
        self._lens = lens
        self._vocabulary = vocabulary

    def wanted(self, kept: Kept, positions: tuple[int, ...], k: int, is_compared: bool) -> ToRead:
        """Something to be read, with others together; see `ToRead`."""
        return ToRead(kept, positions, k, is_compared)

    def run(self, kept: Kept, positions: tuple[int, ...], k: int) -> Run:
        """Rank tokens and sub-updates at `positions`, which the run recorded (rules 4 to 6)."""
        wanted = ToRead(kept, positions, k)
        self.read([wanted])
        pairs = zip(positions, wanted.found, strict=True)
        return Run(tuple(PositionTrace(position, tuple(layers)) for position, layers in pairs))

    def read(self, wanted: Sequence[ToRead]) -> None:
        """Let several readings be known, with one product of all their states."""
        different = {(id(each.kept), each.at): each for each in wanted}
        todo = [each for each in different.values() if each.start < each.kept.done.n_layers]
        if not todo:
            return
        with torch.inference_mode():
            for group in self._groups(todo):
                self._read(group)

    def _groups(self, todo: Sequence[ToRead]) -> Iterator[list[ToRead]]:
        """Readings whose logits may be held at once, or single ones."""
        group: list[ToRead] = []
        for each in todo:
            if group and sum(r.n_states for r in group) + each.n_states > self._lens.max_rows:
                yield group
                group = []
            group.append(each)
        yield group

    def _read(self, group: list[ToRead]) -> None:
        updates = [self._updates(each) for each in group]
        rows_of_all = torch.cat([_rows(each.kept, each.positions, each.start) for each in group])
        found = self._predictions(rows_of_all, max(each.k for each in group))
        row = 0
        for each, scored in zip(group, updates, strict=True):
            rows = slice(row, row + each.n_states)
            row = rows.stop
            if found.distributions is not None and len(each.positions) == 1 and each.is_compared:
                mine = found.distributions[rows]
                if not each.kept.edits and len(group) > 1:
                    mine = mine.copy()  # stays, and must not hold the others' in memory
                each.kept.distributions = each.positions, each.start, mine
            self._enter(each, scored, found.top[rows])

    def compare(
        self, plain: Kept, changed: Kept, positions: tuple[int, ...], k: int
    ) -> tuple[PositionComparison, ...]:
        """Both runs at `positions`, of which `run` has read both with the same K."""
        at = (positions, k)
        columns = changed.comparisons.setdefault(at, [[] for _ in positions])
        start = len(columns[0])
        depth = changed.done.n_layers
        same = first_layer(changed.edits, depth)  # layers that no edit has reached
        for layer in range(start, same):
            for compared, known in zip(columns, plain.readings[at], strict=True):
                compared.append(_unchanged(known[layer]))
        start = max(start, same)
        if start < depth:
            found = self._compared(plain, changed, at, start)
            for layer in range(start, depth):
                for column in columns:
                    before, after = next(found), next(found)
                    column.append(LayerComparison(layer, before, after))
        pairs = zip(positions, columns, strict=True)
        return tuple(PositionComparison(position, tuple(layers)) for position, layers in pairs)

    def let_go(self, runs: Sequence[Kept], positions: tuple[int, ...], k: int) -> None:
        """Of what was read of some runs, keep only what is small or likely to be asked for again:
        of many positions nothing, of an edited run no logits, for it has been compared."""
        for kept in runs:
            if kept.edits:
                kept.distributions = None
            if len(positions) > 1:
                kept.forget((positions, k))

    # --- one run ---------------------------------------------------------------------------------

    def _updates(self, wanted: ToRead) -> list[_Updates]:
        """Per layer and position."""
        start, n_columns = wanted.start, len(wanted.positions)
        done = wanted.kept.done
        m = done[Site.COEFFICIENTS][start:, done.columns(wanted.positions)]  # [l, P, F]
        every = self._runner.scores(done, wanted.positions, start).flatten(0, 1)
        scores, dims = top_k(every, wanted.k)  # [l P, K]
        shares = scores.sum(dim=-1) / every.sum(dim=-1).clamp_min(_TINY)
        chosen = m.flatten(0, 1).gather(1, dims)
        table = zip(scores.tolist(), dims.tolist(), chosen.tolist(), shares.tolist(), strict=True)
        found = []
        for number, (row_scores, row_dims, row_chosen, share) in enumerate(table):
            layer = start + number // n_columns
            entries = zip(row_dims, row_chosen, row_scores, strict=True)
            updates = tuple(
                SubUpdate(layer, dim, name_of("value", layer, dim), own, score)
                for dim, own, score in entries
            )
            found.append((updates, share))
        return found

    def _predictions(self, states: Tensor, k: int) -> _Predictions:
        """Of states [S, D]."""
        top: list[_Top] = []
        blocks = self._lens.blocks(states)
        for rows in blocks:
            may_go_on()
            found = self._lens.distributions(rows)
            values, ids = found.top(k)
            top += zip(ids.tolist(), values.tolist(), found.entropies.tolist(), strict=True)
        return _Predictions(top, found if len(blocks) == 1 else None)

    def _enter(self, wanted: ToRead, updates: list[_Updates], top: list[_Top]) -> None:
        """Add layers to what is known; `top` by layer, position, before and after."""
        start, columns = wanted.start, wanted.found
        readings = [
            StateReading(self._vocabulary.probs(ids[: wanted.k], probs[: wanted.k]), entropy)
            for ids, probs, entropy in top
        ]
        for number, (entries, share) in enumerate(updates):
            layer, column = divmod(number, len(columns))
            columns[column].append(
                LayerTrace(
                    layer=start + layer,
                    before=readings[2 * number],
                    sub_updates=entries,
                    after=readings[2 * number + 1],
                    share=share,
                )
            )

    # --- two runs --------------------------------------------------------------------------------

    def _compared(
        self, plain: Kept, changed: Kept, at: ReadAt, start: int
    ) -> Iterator[StateComparison]:
        """A `StateComparison` per state from layer `start` on, by layer, position, before/after."""
        positions, _ = at
        likeliest = [_candidates(kept.readings[at], start) for kept in (plain, changed)]
        candidates = [[*dict.fromkeys(a + b)] for a, b in zip(*likeliest, strict=True)]
        rows = [_rows(kept, positions, start) for kept in (plain, changed)]
        known = [_known(kept, positions, start) for kept in (plain, changed)]
        with torch.inference_mode():
            for block in self._lens.blocks(torch.arange(len(rows[0]))):
                may_go_on()
                part = slice(int(block[0]), int(block[-1]) + 1)
                before, after = (
                    self._lens.distributions(own[part]) if have is None else have[part]
                    for own, have in zip(rows, known, strict=True)
                )
                yield from self._compare_block(before, after, candidates[part])

    def _compare_block(
        self, before: Distributions, after: Distributions, candidates: list[list[int]]
    ) -> list[StateComparison]:
        """S states of both runs."""
        widest = max(map(len, candidates))
        device = before.logits.device
        padded = torch.tensor([ids + ids[:1] * (widest - len(ids)) for ids in candidates],
                              device=device)  # fmt: skip
        p, q = (run.at(run.logits.gather(1, padded)).tolist() for run in (before, after))
        divergences = after.divergences(before).tolist()
        found = []
        for ids, own_p, own_q, kl in zip(candidates, p, q, divergences, strict=True):
            entries = zip(ids, own_p, own_q, strict=False)  # beyond `ids` is padding
            ranked = sorted(entries, key=lambda entry: (-entry[2], entry[0]))
            changes = (TokenChange.of(self._vocabulary.token(id), a, b) for id, a, b in ranked)
            found.append(StateComparison(kl, tuple(changes)))
        return found


def _known(kept: Kept, positions: tuple[int, ...], start: int) -> Distributions | None:
    """The distributions of a run from a layer on, if they are kept."""
    if kept.distributions is None:
        return None
    own, first, found = kept.distributions
    return found[2 * (start - first) :] if own == positions and first <= start else None


def _rows(run: Kept, positions: Sequence[int], start: int) -> Tensor:
    """States from a layer on, [S, D], by layer, position, before and after."""
    return run.done.states(positions, start).transpose(1, 2).flatten(0, 2)


def _candidates(columns: list[list[LayerTrace]], start: int) -> list[list[int]]:
    """Ids of the tokens that were read, per state, in the order of `_rows`."""
    return [
        [item.id for item in state.top]
        for layers in zip(*(column[start:] for column in columns), strict=True)
        for layer in layers
        for state in (layer.before, layer.after)
    ]


def _unchanged(layer: LayerTrace) -> LayerComparison:
    """A layer that no edit has reached."""
    states = (
        StateComparison(
            0.0,
            tuple(TokenChange(top.id, top.text, top.hex, top.prob, top.prob) for top in state.top),
        )
        for state in (layer.before, layer.after)
    )
    return LayerComparison(layer.layer, *states)
