"""Runs, remembered: while somebody moves a slider the prompt stays what it was, and so does every
layer below the one that is edited. Not thread-safe; the caller holds the gate.

A run is known by its prompt and its edits. A new one begins where it first differs from one that is
known: its states up to there are that run's, and so is what was read from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lm_debugger.engine import interventions as rules
from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.boosts import Boosts
from lm_debugger.engine.cache import LruCache
from lm_debugger.engine.edits import Edits, first_layer
from lm_debugger.engine.lens import Distributions
from lm_debugger.engine.passes import Row, Runner
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.types import Intervention, LayerComparison, LayerTrace

_BYTES = 64 << 20
"""What all remembered runs may take together. One of GPT-2 medium takes 12 MB for a prompt of ten
tokens, most of it the logits of the unedited run. One of 1,024 tokens takes 220 MB: it is more than
this alone, and so only the latest such run is remembered."""

_MOST = 64
"""How many runs are remembered at most. Of a small model thousands would fit into `_BYTES`, but
`KeptRuns.nearest` looks at each of them, and what was read from each takes some 100 KB more, which
`Kept.weight` does not count."""

Key: TypeAlias = tuple[tuple[int, str, tuple[bytes, ...]], ...]
ReadAt: TypeAlias = tuple[tuple[int, ...], int]
"""Positions and K of a reading."""


@dataclass(slots=True, eq=False)
class Kept:
    """One run, and what was read from it: per reading, for each position a list of layers, perhaps
    the lowest ones only."""

    done: Recording
    edits: Edits
    readings: dict[ReadAt, list[list[LayerTrace]]] = field(default_factory=dict)
    comparisons: dict[ReadAt, list[list[LayerComparison]]] = field(default_factory=dict)
    distributions: tuple[tuple[int, ...], int, Distributions] | None = None
    """Positions, first layer l, and [2 (L - l) P, V] of them, for comparing runs."""

    def forget(self, at: ReadAt) -> None:
        """Drop what was read."""
        self.readings.pop(at, None)
        self.comparisons.pop(at, None)

    @property
    def weight(self) -> int:
        """Bytes."""
        read = 0
        if self.distributions is not None:
            logits = self.distributions[2].logits
            read = logits.numel() * logits.element_size()
        return self.done.weight + read

    def shares(self, edits: Edits) -> int:
        """How many layers run the same under other edits: the lowest L or fewer."""
        same = self.done.n_layers
        for where in {*self.edits, *edits}:
            mine, other = self.edits.get(where), edits.get(where)
            if mine is not other and (mine is None or other is None or mine.key != other.key):
                same = min(same, where[0])
        return same


@dataclass(frozen=True, slots=True)
class Wanted:
    """Both runs of a prompt [T], recorded at `columns` at least."""

    ids: Sequence[int]
    columns: Sequence[int]
    interventions: Sequence[Intervention] = ()


class KeptRuns:
    """The latest runs of one model.

    Args:
        remember: False: none is kept, and every question runs the model from the tokens on.
    """

    def __init__(self, runner: Runner, adapter: Adapter, remember: bool = True) -> None:
        self.runner, self.adapter = runner, adapter
        self._remember = remember
        self._known: LruCache[tuple[tuple[int, ...], Key], Kept] = LruCache(
            _BYTES, lambda kept: kept.weight, _MOST
        )

    def boosts(self, ids: Sequence[int]) -> Boosts:
        """Rule 9 for a prompt [T]."""
        return self.runner.boosts(self.both(ids, (len(ids) - 1,), ())[0].done)

    def both(
        self, ids: Sequence[int], columns: Sequence[int], interventions: Sequence[Intervention]
    ) -> tuple[Kept, Kept]:
        """`many` of one."""
        return self.many([Wanted(ids, columns, interventions)])[0]

    def many(self, wanted: Sequence[Wanted]) -> list[tuple[Kept, Kept]]:
        """The unedited and the edited run of each; one and the same where nothing is edited. What
        is not known yet is run as one batch.

        Raises:
            InvalidInput: see `interventions.merge`.
            NonFiniteResult: an edit cannot be held.
        """
        batch = _Plan(self)
        promises = [batch.add(each) for each in wanted]
        done = self.runner.run(batch.rows) if batch.rows else []
        return [promise(done) for promise in promises]

    def trim(self) -> None:
        """Forget the oldest runs beyond the limit; readings have made some heavier."""
        self._known.trim()

    def find(self, ids: Sequence[int], edits: Edits, positions: tuple[int, ...]) -> Kept | None:
        """The known run of a prompt with these edits, if it recorded these positions."""
        kept = self._known.get((tuple(ids), _key(edits)))
        if kept is None or not set(positions) <= set(kept.done.positions):
            return None
        return kept

    def nearest(self, ids: Sequence[int], positions: tuple[int, ...], edits: Edits) -> Kept:
        """The known run of a prompt that shares the most layers; there must be one."""
        prompt = tuple(ids)
        known = [
            kept
            for (text, _), kept in self._known.items()
            if text == prompt and set(positions) <= set(kept.done.positions)
        ]
        return max(known, key=lambda kept: kept.shares(edits))

    def keep(
        self, ids: Sequence[int], done: Recording, edits: Edits, base: Kept | None = None
    ) -> Kept:
        """Remember a run, with what is known of the layers that it shares with `base`."""
        kept = Kept(done, edits)
        if base is not None:
            start = base.shares(edits)
            for at, columns in base.readings.items():
                kept.readings[at] = [layers[:start] for layers in columns]
            for at, compared in base.comparisons.items():
                kept.comparisons[at] = [layers[:start] for layers in compared]
        if self._remember:
            self._known.put((tuple(ids), _key(edits)), kept)
        return kept


_Promise: TypeAlias = Callable[[list[Recording]], tuple[Kept, Kept]]
"""What is asked for, once the batch has run."""


class _Plan:
    """The rows of one batch."""

    def __init__(self, runs: KeptRuns) -> None:
        self._runs = runs
        self.rows: list[Row] = []
        self._unedited: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}

    def add(self, wanted: Wanted) -> _Promise:
        ids = wanted.ids
        positions = tuple(sorted({*wanted.columns, len(ids) - 1}))  # rule 9 needs the last one
        plain = self._runs.find(ids, {}, positions)
        if plain is None:
            return self._from_tokens(ids, positions, wanted.interventions)
        known = plain
        boosts = self._runs.runner.boosts(plain.done)
        edits = rules.merge(self._runs.adapter, wanted.interventions, len(ids), boosts)
        changed = self._runs.find(ids, edits, positions) if edits else plain
        if changed is not None:
            both = known, changed
            return lambda done: both
        base = self._runs.nearest(ids, positions, edits)
        place = self._row(Row(ids, positions, edits, base.done, base.shares(edits)))
        return lambda done: (known, self._runs.keep(ids, done[place], edits, base))

    def _row(self, row: Row) -> int:
        self.rows.append(row)
        return len(self.rows) - 1

    def _from_tokens(
        self,
        ids: Sequence[int],
        positions: tuple[int, ...],
        interventions: Sequence[Intervention],
    ) -> _Promise:
        """Both runs, the edited one from the first edited layer on."""
        key = tuple(ids), positions
        if key not in self._unedited:
            self._unedited[key] = self._row(Row(ids, positions))
        first = self._unedited[key]
        adapter, runs = self._runs.adapter, self._runs
        unknown = rules.merge(adapter, interventions, len(ids), runs.runner.norms)
        second = None
        if unknown:
            second = self._row(
                Row(ids, positions, unknown, origin=first, start=first_layer(unknown, 0))
            )

        def promise(done: list[Recording]) -> tuple[Kept, Kept]:
            plain = runs.find(ids, {}, positions) or runs.keep(ids, done[first], {})
            if second is None:
                return plain, plain
            boosts = runs.runner.boosts(done[first])
            edits = rules.merge(adapter, interventions, len(ids), boosts)
            return plain, runs.keep(ids, done[second], edits)

        return promise


def _key(edits: Edits) -> Key:
    return tuple((layer, site, edits[layer, site].key) for layer, site in sorted(edits))
