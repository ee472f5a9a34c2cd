"""Forward passes over prompts, read at the taps: rules 1 to 3, 6 and 9.

Several runs are one batch. Each is a row that either begins at the tokens, or branches off another
row of the batch or off an earlier pass right before the first layer in which it differs, so that
nothing is computed twice. Prompts of unequal length are padded at the end, where causal attention
does not look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.hooks import Tap, attached
from lm_debugger.engine.interventions import BOOST_MARGIN, LayerEdit
from lm_debugger.engine.soundness import check
from lm_debugger.engine.stopping import may_go_on


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """What one run left behind.

    Attributes:
        positions: P indices into the prompt.
        inputs: L tensors [T, D], the residual before each block.
        states: [L, 2, P, D], before and after every FFN.
        coefficients: [L, P, F], fp32.
    """

    positions: tuple[int, ...]
    inputs: tuple[Tensor, ...]
    states: Tensor
    coefficients: Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """One run of a batch.

    Attributes:
        ids: the prompt, T of them.
        positions: P indices into the prompt, to be recorded.
        edits: by layer; see `interventions.merge`.
        origin: where it branches off: None at the tokens, another row (by its number; it must be
            unedited, and come before) or an earlier pass that recorded the same positions.
        start: the first layer that is computed; > 0 needs an origin.
    """

    ids: Sequence[int]
    positions: tuple[int, ...]
    edits: Mapping[int, LayerEdit] = field(default_factory=dict)
    origin: int | Pass | None = None
    start: int = 0


class Tracer:
    """Runs one model over prompts. Not thread-safe: see `gate.Gate`."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._device = adapter.unembedding.device
        with torch.inference_mode():
            self.norms = torch.stack(
                [adapter.value_matrix(l).float().norm(dim=1) for l in range(adapter.n_layers)]
            )  # [L, F], ||v_i||_2 (rule 6)

    def run(self, rows: Sequence[Row]) -> list[Pass]:
        """All rows as one batch, in one walk through the blocks.

        Raises:
            NonFiniteResult: a state, at any position, or a score cannot be held.
        """
        with torch.inference_mode():
            return _Batch(self._adapter, self, rows).run()

    def scores(self, coefficients: Tensor) -> Tensor:
        """|m_i| · ||v_i||_2: [L, P, F] -> [L, P, F] (rule 6)."""
        return coefficients.abs() * self.norms.unsqueeze(1)

    def boosts(self, unedited: Pass) -> tuple[float, ...]:
        """c of every layer, [L]: its largest score at the pass's last position + 0.01 (rule 9)."""
        with torch.inference_mode():
            largest = self.scores(unedited.coefficients)[:, -1].amax(dim=-1)
            return tuple((largest + BOOST_MARGIN).tolist())

    def boost(self, layer: int, m: Tensor) -> float:
        """act(c) for a layer's unedited coefficients m [F] at the last position (rule 9)."""
        c = (m.float().abs() * self.norms[layer]).amax() + BOOST_MARGIN
        return float(self._adapter.blocks[layer].activation(c.to(m.dtype).reshape(1)))


class _Batch:
    """The residuals of all rows that run so far, and the walk through the blocks."""

    def __init__(self, adapter: Adapter, tracer: Tracer, rows: Sequence[Row]) -> None:
        self._adapter, self._tracer, self._rows = adapter, tracer, rows
        device = adapter.unembedding.device
        self._longest = max(len(row.ids) for row in rows)
        self._taps = [
            Tap(
                torch.tensor(row.positions, device=device),
                row.edits,
                self._boost_of(row),
                len(row.ids),
            )
            for row in rows
        ]
        self._inputs: list[list[Tensor]] = [[] for _ in rows]
        self._active: list[int] = []  # rows by their place in the batch
        self._device = device

    def run(self) -> list[Pass]:
        rows, adapter = self._rows, self._adapter
        first = min(row.start for row in rows if not isinstance(row.origin, int))
        x = self._joining(first)
        assert x is not None
        mask = adapter.mask(x)
        taps: list[Tap] = [self._taps[index] for index in self._active]
        with attached(adapter.blocks, taps):
            for layer in range(first, adapter.n_layers):
                may_go_on()
                more = self._joining(layer, x) if layer > first else None
                if more is not None:
                    x = torch.cat((x, more))
                    taps.extend(self._taps[index] for index in self._active[len(taps) :])
                for place, index in enumerate(self._active):
                    self._inputs[index].append(x[place, : len(rows[index].ids)])
                x = adapter.run_block(layer, x, mask)
        for row, tap in zip(rows, self._taps, strict=True):
            check(self._soundness(tap, row.start), row.start)
        return [self._pass(index) for index in range(len(rows))]

    def _soundness(self, tap: Tap, start: int) -> list[Tensor]:
        """Of each layer that a row ran: can its states, and the sum of its scores, be held?"""
        norms = self._tracer.norms[start:]
        scores = (m.float().abs() @ norm for m, norm in zip(tap.coefficients, norms, strict=True))
        return [a & b.isfinite().all() for a, b in zip(tap.sound, scores, strict=True)]

    def _joining(self, layer: int, x: Tensor | None = None) -> Tensor | None:
        """The residuals [n, T, D] of the rows that begin at a layer; they are active from here."""
        new = [
            i for i, row in enumerate(self._rows) if row.start == layer and i not in self._active
        ]
        fresh = [i for i in new if self._rows[i].origin is None]
        parts: list[Tensor] = []
        if fresh:
            ids = torch.zeros(len(fresh), self._longest, dtype=torch.long)
            for place, index in enumerate(fresh):
                row = self._rows[index].ids
                ids[place, : len(row)] = torch.tensor(row)
            parts.append(self._adapter.embed(ids.to(self._device)))
        self._active += fresh
        for index in new:
            origin = self._rows[index].origin
            if isinstance(origin, int):
                place = self._active.index(origin)
                source = parts[0] if x is None else x
                parts.append(source[place : place + 1])
            elif origin is not None:
                kept = origin.inputs[layer]
                missing = self._longest - len(kept)
                parts.append(torch.nn.functional.pad(kept, (0, 0, 0, missing)).unsqueeze(0))
            else:
                continue
            self._active.append(index)
        return torch.cat(parts) if parts else None

    def _boost_of(self, row: Row) -> Callable[[int, Tensor], float] | None:
        """How a row that branches off an unedited one gets act(c)."""
        if not isinstance(row.origin, int):
            return None
        origin, last = row.origin, len(row.ids) - 1

        def boost(layer: int, m: Tensor) -> float:
            return self._tracer.boost(layer, m[self._active.index(origin), last])

        return boost

    def _pass(self, index: int) -> Pass:
        row, tap = self._rows[index], self._taps[index]
        states, coefficients = tap.states(), torch.stack(tap.coefficients).float()
        inputs = tuple(self._inputs[index])
        origin = row.origin if isinstance(row.origin, Pass) else None
        if isinstance(row.origin, int) and row.start:
            origin = self._pass(row.origin)
        if origin is not None and row.start:
            columns = [origin.positions.index(position) for position in row.positions]
            states = torch.cat((origin.states[: row.start][:, :, columns], states))
            coefficients = torch.cat((origin.coefficients[: row.start][:, columns], coefficients))
            inputs = origin.inputs[: row.start] + inputs
        return Pass(row.positions, inputs, states, coefficients)
