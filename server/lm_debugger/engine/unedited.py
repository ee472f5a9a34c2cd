"""Unedited runs, remembered: they are the same for everybody, and while somebody moves a slider the
prompt stays what it was. Not thread-safe; the caller holds the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lm_debugger.engine.cache import LruCache
from lm_debugger.engine.tracer import Pass, Tracer
from lm_debugger.engine.types import Run

_PROMPTS = 32
_READINGS_OF_A_PROMPT = 4


class Reading(NamedTuple):
    """Rule 9's c of every layer [L], a run read at some positions, and the pass it was read
    from."""

    boosts: tuple[float, ...]
    run: Run
    done: Pass


class _Known:
    def __init__(self, boosts: tuple[float, ...]) -> None:
        self.boosts = boosts
        self.readings: LruCache[tuple[tuple[int, ...], int], Reading] = LruCache(
            _READINGS_OF_A_PROMPT
        )


class UneditedRuns:
    """The latest prompts' unedited runs."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._known: LruCache[tuple[int, ...], _Known] = LruCache(_PROMPTS)

    def boosts(self, ids: Sequence[int]) -> tuple[float, ...]:
        """Rule 9's c of every layer, [L], for a prompt [T]."""
        known = self._known.get(tuple(ids))
        if known is None:
            known = self._remember(ids, self._tracer.forward(ids, (len(ids) - 1,), {}))
        return known.boosts

    def run(self, ids: Sequence[int], columns: tuple[int, ...], k: int) -> Reading:
        """The unedited run of a prompt [T], read at `columns` with K items.

        Raises:
            NonFiniteResult: see `Tracer.read`.
        """
        known = self._known.get(tuple(ids))
        found = known and known.readings.get((columns, k))
        if found:
            return found
        last = len(ids) - 1  # rule 9 needs the last position, whatever was asked for
        done = self._tracer.forward(ids, sorted({*columns, last}), {})
        run = self._tracer.read(done, columns, k)
        known = known or self._remember(ids, done)
        reading = Reading(known.boosts, run, done)
        if len(columns) == 1:  # others are large, and rare
            known.readings.put((columns, k), reading)
        return reading

    def _remember(self, ids: Sequence[int], done: Pass) -> _Known:
        known = _Known(self._tracer.boosts(done))
        self._known.put(tuple(ids), known)
        return known
