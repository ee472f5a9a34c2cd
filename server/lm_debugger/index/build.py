"""Building an index in the background: layer by layer, then clusters; resumable, cancellable.

Whatever is finished lies in the store and is found there by the next start, so a build that is
killed loses at most one layer or one iteration of the clustering. Between products the builder lets
requests go first.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.lens import Lens
from lm_debugger.errors import DebuggerError
from lm_debugger.index import clusters as kmeans
from lm_debugger.index.clusters import Clusters
from lm_debugger.index.linkage import complete_linkage
from lm_debugger.index.projections import LayerProjections, project_layer
from lm_debugger.index.store import Store

log = logging.getLogger(__name__)

State = Literal["waiting", "building", "ready", "cancelled", "failed"]
Stage = Literal["projections", "clusters"]
Method = Literal["kmeans", "complete-linkage"]
METHODS: tuple[Method, ...] = ("kmeans", "complete-linkage")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a build stands: `done` of `total` layers or iterations of `stage`.

    `seconds_left` is an estimate for the stage, None before there is anything to go by.
    """

    state: State = "waiting"
    stage: Stage = "projections"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    error: str | None = None


class Cancelled(Exception):
    """Raised inside a build that was asked to stop."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a build needs of a model."""

    adapter: Adapter
    lens: Lens
    let_requests_go_first: Callable[[], None]

    def matrices(self) -> list[Tensor]:
        """What the value vectors of each layer add (rule 20), L of [F, D]."""
        return [self.adapter.value_directions(layer) for layer in range(self.adapter.n_layers)]


class Build:
    """One run from the first missing layer to the clusters. Call `run` once, from any thread.

    Args:
        store: finds the folder; is called by `run`, as it takes a while.
        n_clusters: how many are wanted; 0: none, and the build ends with the layers.
        on_layer, on_clusters: are called as parts get ready, in order.
        on_progress: is called with every change.
    """

    def __init__(
        self,
        parts: Parts,
        store: Callable[[], Store],
        *,
        n_clusters: int,
        method: Method,
        on_layer: Callable[[int, LayerProjections], None],
        on_clusters: Callable[[Clusters], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._parts = parts
        self._find_store = store
        self._n_clusters = n_clusters
        self._method: Method = method
        self._on_layer = on_layer
        self._on_clusters = on_clusters
        self._on_progress = on_progress
        self._cancel = threading.Event()
        self._progress = Progress()
        self._stage_began = 0.0
        self._computed = 0  # steps of this stage that were not found in the store

    def cancel(self) -> None:
        """Ask the build to stop; it does within one product."""
        self._cancel.set()

    def run(self) -> Progress:
        """Build what is missing. Failures end in the returned progress, they are not raised."""
        try:
            self._store = self._find_store()
            self._store.sweep()
            lists = self._project()
            if self._n_clusters:
                self._cluster(lists)
            self._report(state="ready", seconds_left=None)
        except Cancelled:
            self._report(state="cancelled", seconds_left=None)
        except DebuggerError as error:
            where = f" ({error.details['folder']})" if "folder" in error.details else ""
            log.error("index: %s%s", error.message, where)
            self._report(state="failed", error=error.message, seconds_left=None)
        except Exception:
            log.exception("index: the build failed")
            self._report(
                state="failed",
                error="The index could not be built; the log says why.",
                seconds_left=None,
            )
        return self._progress

    def _project(self) -> list[LayerProjections]:
        """What the vectors of each layer promote, computed or found."""
        lists = []
        n_layers = self._parts.adapter.n_layers
        self._begin("projections", n_layers)
        for layer in range(n_layers):
            name = f"layer-{layer:03d}"
            stored = self._store.load(name)
            if stored is None:
                projections = project_layer(
                    self._parts.adapter, self._parts.lens, layer, self._pause
                )
                self._store.save(name, projections.tensors())
                self._computed += 1
            else:
                projections = LayerProjections(**stored)
            self._pause()
            self._on_layer(layer, projections)
            lists.append(projections)
            self._step(layer + 1)
        return lists

    def _cluster(self, lists: list[LayerProjections]) -> None:
        self._begin("clusters", kmeans.MAX_ITERATIONS)
        name = f"clusters-{self._method}-{self._n_clusters}"
        stored = self._store.load(name)
        if stored is None:
            labels, cosines, centres = self._partition(f"{name}.partial")
            ids, logits = kmeans.clouds(lists, labels, len(centres), self._pause)
            found = Clusters(labels, cosines.cpu(), centres.cpu(), ids, logits)
            self._store.save(name, found.tensors())
            self._store.delete(f"{name}.partial")
        else:
            found = Clusters(**stored)
        self._on_clusters(found)
        self._step(kmeans.MAX_ITERATIONS)

    def _partition(self, partial: str) -> tuple[Tensor, Tensor, Tensor]:
        """labels, cosines, centres; k-means leaves its centres in the store after each
        iteration."""
        matrices = self._parts.matrices()
        if self._method == "complete-linkage":
            return complete_linkage(matrices, self._n_clusters)

        def after_iteration(centres: Tensor, done: int) -> None:
            content = {"centres": centres.cpu(), "done": torch.tensor([done])}
            self._store.save(partial, content)
            self._computed += 1
            self._step(done)

        known = self._store.load(partial)
        start = None
        if known is not None:
            start = (known["centres"].to(matrices[0].device), int(known["done"]))
        return kmeans.spherical_kmeans(
            matrices,
            self._n_clusters,
            start=start,
            after_iteration=after_iteration,
            pause=self._pause,
        )

    def _pause(self) -> None:
        if self._cancel.is_set():
            raise Cancelled
        self._parts.let_requests_go_first()

    def _begin(self, stage: Stage, total: int) -> None:
        self._stage_began, self._computed = time.monotonic(), 0
        self._report(state="building", stage=stage, done=0, total=total, seconds_left=None)

    def _step(self, done: int) -> None:
        left = self._progress.total - done
        each = (time.monotonic() - self._stage_began) / max(1, self._computed)
        self._report(done=done, seconds_left=each * left if self._computed else None)

    def _report(self, **changes: object) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
        p = self._progress
        log.info("index: %s, %s %d/%d", p.state, p.stage, p.done, p.total)
        self._on_progress(p)
