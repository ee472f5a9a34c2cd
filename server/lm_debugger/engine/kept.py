"""Runs, remembered: while somebody moves a slider the prompt stays what it was, and so does every
layer below the one that is edited. Not thread-safe; the caller holds the gate.

A run is known by its prompt and its edits. A new one begins where it first differs from one that is
known: its states up to there are that run's, and so is what was read from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from lm_debugger.engine import interventions as rules
from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.cache import LruCache
from lm_debugger.engine.interventions import LayerEdit
from lm_debugger.engine.tracer import Pass, Row, Tracer
from lm_debugger.engine.types import Intervention, LayerComparison, LayerTrace

_BYTES = 64 << 20
"""All remembered runs together. GPT-2 medium: 12 MB for a prompt of ten tokens, most of it the
logits of the unedited run; 1,024 tokens: 220 MB, so that only the latest run is kept."""

Edits: TypeAlias = Mapping[int, LayerEdit]
Key: TypeAlias = tuple[tuple[int, tuple[bytes, ...]], ...]
Asked: TypeAlias = tuple[tuple[int, ...], int]
"""Positions and K of a reading."""


@dataclass(slots=True, eq=False)
class Kept:
    """One run, and what was read from it: per reading, for each position a list of layers, perhaps
    the lowest ones only."""

    done: Pass
    edits: Edits
    readings: dict[Asked, list[list[LayerTrace]]] = field(default_factory=dict)
    comparisons: dict[Asked, list[list[LayerComparison]]] = field(default_factory=dict)
    logits: tuple[tuple[int, ...], Tensor] | None = None
    """Of the unedited run, positions and [2 L P, V], for comparing edited ones with it."""

    def forget(self, asked: Asked) -> None:
        """Drop what was read."""
        self.readings.pop(asked, None)
        self.comparisons.pop(asked, None)

    @property
    def weight(self) -> int:
        """Bytes."""
        done = self.done
        tensors = [*done.inputs, done.states, done.coefficients]
        if self.logits is not None:
            tensors.append(self.logits[1])
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def shares(self, edits: Edits) -> int:
        """How many layers run the same under other edits: the lowest L or fewer."""
        for layer in range(len(self.done.inputs)):
            mine, other = self.edits.get(layer), edits.get(layer)
            if mine is other:
                continue
            if mine is None or other is None or mine.key != other.key:
                return layer
        return len(self.done.inputs)


class KeptRuns:
    """The latest runs of one model."""

    def __init__(self, tracer: Tracer, adapter: Adapter) -> None:
        self._tracer = tracer
        self._adapter = adapter
        self._known: LruCache[tuple[tuple[int, ...], Key], Kept] = LruCache(
            _BYTES, lambda kept: kept.weight
        )

    def boosts(self, ids: Sequence[int]) -> tuple[float, ...]:
        """Rule 9's c of every layer, [L], for a prompt [T]."""
        return self._tracer.boosts(self.both(ids, (len(ids) - 1,), ())[0].done)

    def both(
        self, ids: Sequence[int], columns: Sequence[int], interventions: Sequence[Intervention]
    ) -> tuple[Kept, Kept]:
        """The unedited and the edited run of a prompt [T], recorded at `columns` at least; one and
        the same where nothing is edited.

        Raises:
            InvalidInput: see `interventions.merge`.
            NonFiniteResult: an edit cannot be held.
        """
        positions = tuple(sorted({*columns, len(ids) - 1}))  # rule 9 needs the last one
        plain = self._find(ids, {}, positions)
        if plain is None:
            return self._from_tokens(ids, positions, interventions)
        edits = rules.merge(self._adapter, interventions, len(ids), self._tracer.boosts(plain.done))
        if not edits:
            return plain, plain
        return plain, self._find(ids, edits, positions) or self._resume(ids, positions, edits)

    def trim(self) -> None:
        """Forget the oldest runs beyond the limit; readings have made some heavier."""
        self._known.trim()

    def _find(self, ids: Sequence[int], edits: Edits, positions: tuple[int, ...]) -> Kept | None:
        kept = self._known.get((tuple(ids), _key(edits)))
        if kept is None or not set(positions) <= set(kept.done.positions):
            return None
        return kept

    def _from_tokens(
        self,
        ids: Sequence[int],
        positions: tuple[int, ...],
        interventions: Sequence[Intervention],
    ) -> tuple[Kept, Kept]:
        """Both runs as one batch from the first edited layer on."""
        edits = rules.merge(self._adapter, interventions, len(ids), None)
        rows = [Row(ids, positions)]
        if edits:
            rows.append(Row(ids, positions, edits, origin=0, start=min(edits)))
        done = self._tracer.run(rows)
        plain = self._keep(ids, done[0], {})
        if not edits:
            return plain, plain
        edits = rules.merge(self._adapter, interventions, len(ids), self._tracer.boosts(done[0]))
        return plain, self._keep(ids, done[1], edits)

    def _resume(self, ids: Sequence[int], positions: tuple[int, ...], edits: Edits) -> Kept:
        """From the known run that shares the most layers."""
        prompt = tuple(ids)
        known = [
            kept
            for (text, _), kept in self._known.items()
            if text == prompt and set(positions) <= set(kept.done.positions)
        ]
        base = max(known, key=lambda kept: kept.shares(edits))
        start = base.shares(edits)
        (done,) = self._tracer.run([Row(ids, positions, edits, base.done, start)])
        kept = self._keep(ids, done, edits)
        for asked, columns in base.readings.items():
            kept.readings[asked] = [layers[:start] for layers in columns]
        for asked, compared in base.comparisons.items():
            kept.comparisons[asked] = [layers[:start] for layers in compared]
        return kept

    def _keep(self, ids: Sequence[int], done: Pass, edits: Edits) -> Kept:
        kept = Kept(done, edits)
        self._known.put((tuple(ids), _key(edits)), kept)
        return kept


def _key(edits: Edits) -> Key:
    return tuple((layer, edits[layer].key) for layer in sorted(edits))
