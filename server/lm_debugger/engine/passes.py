"""Forward passes over prompts, recorded at sites: rules 1 to 3, 6 and 9.

Several runs are one batch. Each is a row that either begins at the tokens, or branches off another
row of the batch or off an earlier recording right before the first layer in which it differs, so
that nothing is computed twice. Prompts of unequal length are padded at the end, where causal
attention does not look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.adapters.entry import Calls
from lm_debugger.engine.boosts import Boosts
from lm_debugger.engine.edits import Edits, SiteEdit
from lm_debugger.engine.hooks import attached
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.sites import ATTENTION, Site
from lm_debugger.engine.soundness import check, squares
from lm_debugger.engine.stopping import may_go_on

NO_EDITS: Edits = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """One run of a batch.

    Attributes:
        ids: the prompt, T of them.
        positions: P indices into the prompt, to be recorded.
        edits: by layer and site; see `interventions.merge`.
        origin: where it branches off: None at the tokens, another row (by its number; it must be
            unedited, and come before) or an earlier recording of the same positions.
        start: the first layer that is computed; > 0 needs an origin.
        sites: recorded beside `Runner.sites`; a row that branches off takes them from its origin.
    """

    ids: Sequence[int]
    positions: tuple[int, ...]
    edits: Edits = field(default_factory=lambda: NO_EDITS)
    origin: int | Recording | None = None
    start: int = 0
    sites: frozenset[Site] = frozenset()


class Runner:
    """Runs one model over prompts. Not thread-safe: see `gate.Gate`.

    Attributes:
        norms: [L, F], ||v_i||_2 of what every value vector adds to the residual (rules 6 and 20).
        sites: what is recorded of every run.
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        with torch.inference_mode():
            self.norms = torch.stack(
                [adapter.value_directions(l).float().norm(dim=1) for l in range(adapter.n_layers)]
            )
        mid = Site.FFN_OUT if adapter.is_parallel else Site.RESID_MID
        raw = (Site.FFN_RAW,) if adapter.has_post_norm else ()
        self.sites = (mid, Site.COEFFICIENTS, *raw)

    def run(self, rows: Sequence[Row]) -> list[Recording]:
        """All rows as one batch, in one walk through the blocks.

        Raises:
            NonFiniteResult: a state, at any position, or a score cannot be held.
        """
        with torch.inference_mode():
            return _Batch(self._adapter, self, rows).run()

    def written(self, done: Recording, positions: Sequence[int], start: int = 0) -> Tensor:
        """What value vectors are multiplied with, [L - start, P', F]: m_i, or m_i / s where a
        post-norm stands between them and the residual (rule 20)."""
        columns = done.columns(positions)
        m = done[Site.COEFFICIENTS][start:, columns]
        if not self._adapter.has_post_norm:
            return m
        raw = done[Site.FFN_RAW][start:, columns]  # [l, P', D]
        norms = [self._adapter.ffn_post_norm(start + l) for l in range(len(raw))]
        scales = [norm.inverse(u) for norm, u in zip(norms, raw, strict=True) if norm is not None]
        return m * torch.stack(scales).unsqueeze(-1)

    def scores(self, done: Recording, positions: Sequence[int], start: int = 0) -> Tensor:
        """|m_i| · ||v_i||_2, [L - start, P', F] (rule 6)."""
        return self.written(done, positions, start).abs() * self.norms[start:].unsqueeze(1)

    def boosts(self, unedited: Recording) -> Boosts:
        """Rule 9, from the recording's last position."""
        with torch.inference_mode():
            m = unedited[Site.COEFFICIENTS][:, -1]
            return Boosts.of(self._adapter, self.norms, m)


class _Batch:
    """The residuals of all rows that run so far, and the walk through the blocks."""

    def __init__(self, adapter: Adapter, runner: Runner, rows: Sequence[Row]) -> None:
        self._adapter, self._runner, self._rows = adapter, runner, rows
        self._device = adapter.unembedding.device
        self._longest = max(len(row.ids) for row in rows)
        self._positions = [torch.tensor(row.positions, device=self._device) for row in rows]
        self._residual: list[list[Tensor]] = [[] for _ in rows]
        self._parts: list[dict[Site, list[Tensor]]] = [defaultdict(list) for _ in rows]
        self._active: list[int] = []  # rows by their place in the batch
        self._squares: list[tuple[int, Tensor]] = []  # layer and [B, T], see `soundness`
        self._calls: Calls = ()

    def run(self) -> list[Recording]:
        rows, adapter = self._rows, self._adapter
        first = min(row.start for row in rows if not isinstance(row.origin, int))
        x = self._joining(first)
        assert x is not None
        layers = range(first, adapter.n_layers)
        sites = {(site, layer) for layer in layers for site in self._runner.sites}
        sites |= {(site, layer) for row in rows for layer, site in row.edits}
        sites |= {(site, layer) for row in rows for site in row.sites for layer in layers}
        with attached(adapter, sites, self._sees):
            for layer in layers:
                may_go_on()
                more = self._joining(layer, x) if layer > first else None
                if more is not None:
                    x = torch.cat((x, more))
                self._keep(x)
                x = adapter.run_block(layer, x, self._calls or adapter.calls(self._longest))
                self._squares.append((layer, squares(x)))
        self._keep(x)
        for index in range(len(rows)):
            self._check(index)
        return [self._recording(index) for index in range(len(rows))]

    def _keep(self, x: Tensor) -> None:
        for place, index in enumerate(self._active):
            self._residual[index].append(x[place, : len(self._rows[index].ids)])

    def _sees(self, site: Site, layer: int, value: Tensor) -> Tensor | None:
        """Edit and record every row at a site, [B, T, *]."""
        instead: Tensor | None = None
        for place, index in enumerate(self._active):
            row = self._rows[index]
            edit = row.edits.get((layer, site))
            if edit is not None:
                if instead is None:
                    instead = value.clone()
                if edit.other is not None:
                    edit = self._with_other(edit, edit.other.row, row, value)
                edit.write(instead[place, : len(row.ids)], 0)  # what is padded stays small
        shown = value if instead is None else instead
        for place, index in enumerate(self._active):
            if site in self._runner.sites or site in self._rows[index].sites:
                self._parts[index][site].append(self._part(site, shown[place], index))
        if site in (Site.RESID_MID, Site.FFN_RAW):  # a post-norm makes 0 of what overflows
            self._squares.append((layer, squares(shown)))
        return instead

    def _part(self, site: Site, value: Tensor, index: int) -> Tensor:
        """What a row keeps of a site."""
        at, length = self._positions[index], len(self._rows[index].ids)
        if site in (Site.K, Site.V):
            return value[:, :length]
        if site in ATTENTION:
            return (
                value[..., :length].index_select(1, at)
                if site is Site.PATTERN
                else (value.index_select(1, at))
            )
        part = value.index_select(0, at)
        return part.float() if site is Site.COEFFICIENTS else part

    def _with_other(self, edit: SiteEdit, number: int | None, row: Row, value: Tensor) -> SiteEdit:
        """An edit with its operand read from another row, [B, T, *] being unedited."""
        other = row.origin if number is None else number
        assert isinstance(other, int)
        return edit.with_other(value[self._active.index(other), : len(self._rows[other].ids)])

    def _check(self, index: int) -> None:
        """Raise if a state, or the sum of a layer's scores, cannot be held.

        Raises:
            NonFiniteResult.
        """
        row, place = self._rows[index], self._active.index(index)
        mine = [(layer, each) for layer, each in self._squares if layer >= row.start]
        check([each[place, : len(row.ids)] for _, each in mine], [layer for layer, _ in mine])
        m = torch.stack(self._parts[index][Site.COEFFICIENTS]).abs()  # [l, P, F]
        scores = m @ self._runner.norms[row.start :].unsqueeze(-1)
        check(list(scores), range(row.start, self._adapter.n_layers))

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
            embedded, self._calls = self._adapter.enter(ids.to(self._device))
            parts.append(embedded)
        self._active += fresh
        for index in new:
            origin = self._rows[index].origin
            if isinstance(origin, int):
                place = self._active.index(origin)
                source = parts[0] if x is None else x
                parts.append(source[place : place + 1])
            elif origin is not None:
                kept = origin.residual[layer]
                missing = self._longest - len(kept)
                parts.append(torch.nn.functional.pad(kept, (0, 0, 0, missing)).unsqueeze(0))
            else:
                continue
            self._active.append(index)
        return torch.cat(parts) if parts else None

    def _recording(self, index: int) -> Recording:
        row = self._rows[index]
        residual = tuple(self._residual[index])
        parts: Mapping[Site, tuple[Tensor, ...]] = {
            site: tuple(layers) for site, layers in self._parts[index].items()
        }
        origin = row.origin
        if row.start and isinstance(origin, int):
            origin = self._recording(origin)
        if row.start and isinstance(origin, Recording):
            columns = origin.columns(row.positions)
            same = columns == list(range(len(origin.positions)))
            parts = {
                site: tuple(
                    layer if same else layer[columns] for layer in origin.parts[site][: row.start]
                )
                + layers
                for site, layers in parts.items()
            }
            residual = origin.residual[: row.start] + residual
        return Recording(row.positions, residual, parts)
