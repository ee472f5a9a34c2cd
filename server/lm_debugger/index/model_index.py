"""`ModelIndex`: everything that Explore asks of one model.

Concept search, neighbours and norms need no files and answer at once; keyword search and value
pages grow with the layers that are built; clusters come last.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

from lm_debugger.engine.checks import check_range, check_text
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.given import shown, whole
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import (
    IndexNotReady,
    InvalidInput,
    NoClusters,
    OutOfRange,
    UnknownCluster,
)
from lm_debugger.index.build import METHODS, Build, Method, Parts, Progress
from lm_debugger.index.clusters import Clusters, ClusterSummary, default_number
from lm_debugger.index.concepts import MOST_FOUND, ConceptSearch, ScoredValue
from lm_debugger.index.keywords import KeywordIndex, KeywordResult
from lm_debugger.index.projections import LayerProjections
from lm_debugger.index.store import Store, fingerprint
from lm_debugger.index.terms import Terms

FIRST_MEMBERS = 10


class ModelIndex:
    """The index of one model, built or being built.

    Args:
        cache_dir: folder in which each index gets a folder of its own; None: the system's folder
            for caches.
        n_clusters: k; None: a sensible number for the model's size; 0: no clusters.
        method: "kmeans" or the reference's "complete-linkage".

    Raises:
        OutOfRange: unknown method, or n_clusters not between 0 and the number of vectors.
    """

    def __init__(
        self,
        debugger: Debugger,
        cache_dir: str | os.PathLike[str] | None = None,
        n_clusters: int | None = None,
        method: Method = "kmeans",
    ) -> None:
        if not isinstance(debugger, Debugger):
            raise InvalidInput(f"An index is made of a Debugger, not of {shown(debugger)}.")
        adapter = debugger.adapter
        self.n_vectors = adapter.n_layers * adapter.ffn_width
        if not isinstance(method, str) or method not in METHODS:
            raise OutOfRange(f"The clustering method must be one of {', '.join(METHODS)}.")
        number = default_number(self.n_vectors) if n_clusters is None else whole(n_clusters)
        if number is None or not 0 <= number <= self.n_vectors:
            raise OutOfRange(
                f"The number of clusters must be from 1 to {self.n_vectors}, or 0 for none."
            )
        if not isinstance(cache_dir, str | os.PathLike | None):
            raise InvalidInput(f"cache_dir must be the path of a folder, not {shown(cache_dir)}.")
        self._debugger = debugger
        self._cache_dir = Path(
            cache_dir or Path(platformdirs.user_cache_dir("lm-debugger")) / "index"
        )
        self._n_clusters = number
        self._method: Method = method
        self._lock = threading.Lock()  # starting and closing, from different threads
        self._closed = False
        self._build: Build | None = None
        self._thread: threading.Thread | None = None
        self._layers: dict[int, LayerProjections] = {}
        self._clusters: Clusters | None = None
        self.progress = Progress()
        self.concepts = ConceptSearch(adapter, debugger.vocabulary, debugger.norms, debugger.gate)

    # --- building ------------------------------------------------------------------------------

    def start(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        """Build in the background, unless a build is running already or `close` was called."""
        with self._lock:
            if self._closed or self.is_building:
                return
            self.progress = Progress(state="waiting")
            self._build = self._new_build(on_progress)
            self._thread = threading.Thread(
                target=self._build.run, name="lm-debugger-index", daemon=True
            )
            self._thread.start()
            # torch at work in a thread aborts the process when the interpreter ends
            atexit.register(self.close)

    def build(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> Progress:
        """Build here and now; what is stored is only read. Failures are in the result."""
        self._build = self._new_build(on_progress)
        return self._build.run()

    def _new_build(self, on_progress: Callable[[Progress], None]) -> Build:
        def changed(progress: Progress) -> None:
            self.progress = progress
            on_progress(progress)

        debugger = self._debugger
        return Build(
            Parts(debugger.adapter, debugger.lens, debugger.gate.let_others_go_first),
            lambda: self.store,
            n_clusters=self._n_clusters,
            method=self._method,
            on_layer=self._add_layer,
            on_clusters=self._set_clusters,
            on_progress=changed,
        )

    def cancel(self) -> None:
        """Stop a running build; what is finished stays, `start` goes on from there."""
        if self._build is not None:
            self._build.cancel()

    def close(self) -> None:
        """Stop a running build and wait until it has; no other begins."""
        with self._lock:
            self._closed = True
        self.cancel()
        self.join(10)
        atexit.unregister(self.close)

    @property
    def is_building(self) -> bool:
        """Is the background build at work?"""
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the background build."""
        if self._thread is not None:
            self._thread.join(timeout)

    @cached_property
    def store(self) -> Store:
        """This model's folder; finding its name hashes the weights, about a second a gigabyte."""
        debugger = self._debugger
        return Store(self._cache_dir, fingerprint(debugger.adapter, debugger.vocabulary))

    def _add_layer(self, layer: int, projections: LayerProjections) -> None:
        self._keywords.add(layer, projections)
        self._layers[layer] = projections

    def _set_clusters(self, clusters: Clusters) -> None:
        n_layers, width = self._debugger.norms.shape
        labels = clusters.labels.long()
        layer = torch.arange(len(labels)) // width
        counts = torch.bincount(
            labels * n_layers + layer, minlength=len(clusters.centres) * n_layers
        )
        self._layer_counts = counts.view(-1, n_layers)  # [k, L]
        sizes = self._layer_counts.sum(dim=1)
        self._cohesion = torch.bincount(labels, weights=clusters.cosines) / sizes
        self._by_cluster = torch.argsort(labels, stable=True)
        self._first = sizes.cumsum(0) - sizes
        self._sizes = sizes
        self._clusters = clusters

    # --- asking --------------------------------------------------------------------------------

    @property
    def layers_ready(self) -> tuple[int, ...]:
        """Layers that keyword search covers so far."""
        return tuple(sorted(self._layers))

    def keywords(self, text: str, n: int = 5) -> KeywordResult:
        """Vectors that promote some of the comma-separated keywords (rule 17), best first.

        Raises:
            InvalidInput: no keyword. UnknownWord: the tokenizer has no tokens for some.
            IndexNotReady: no layer is built yet.
        """
        check_text("What is looked for", text)
        n = check_range("n", n, MOST_FOUND)
        if not self._layers:
            raise IndexNotReady(f"The keyword index is not there yet ({self._why()}).")
        return self._keywords.search(text, n)

    def promoted(self, at: ValueId, n: int) -> tuple[list[int], list[float]] | None:
        """Ids and logits of the n <= 50 tokens that a vector promotes, if its layer is built."""
        layer = self._layers.get(self._known(at).layer)
        if layer is None:
            return None
        return (
            layer.promoted_ids[at.dim, :n].tolist(),
            layer.promoted_logits[at.dim, :n].tolist(),
        )

    def norm(self, at: ValueId) -> float:
        """||v||_2."""
        return float(self._debugger.norms[self._known(at).layer, at.dim])

    def norm_rank(self, at: ValueId) -> int:
        """1 for the vector with the largest norm of the model; ties share the better rank."""
        self._known(at)
        norms = self._debugger.norms
        return 1 + int((norms > norms[at.layer, at.dim]).sum())

    @property
    def clusters(self) -> Clusters:
        """Raises: NoClusters, IndexNotReady (while they are being made)."""
        if self._n_clusters == 0:
            raise NoClusters(
                "No clusters are built here: n_clusters is 0 (which is what create_cluster_files: "
                "false of LM-Debugger's config files comes to). --n-clusters N builds them."
            )
        if self._clusters is None:
            raise IndexNotReady(f"The clusters are not there yet ({self._why()}).")
        return self._clusters

    @property
    def n_clusters(self) -> int | None:
        """How many there are; None until they are made, 0 where none are wanted."""
        if self._n_clusters == 0:
            return 0
        return None if self._clusters is None else len(self._clusters.centres)

    def cluster_of(self, at: ValueId) -> int:
        """The cluster a vector belongs to. Raises: NoClusters, IndexNotReady."""
        return int(self.clusters.labels[self._number(self._known(at))])

    def summary(self, cluster: int) -> ClusterSummary:
        """Size, layers, cohesion and tokens of a cluster.

        Raises:
            NoClusters, IndexNotReady, UnknownCluster.
        """
        cluster = self._check_cluster(cluster)
        return ClusterSummary(
            id=cluster,
            size=int(self._sizes[cluster]),
            layers=tuple(self._layer_counts[cluster].tolist()),
            cohesion=float(self._cohesion[cluster]),
            token_ids=tuple(self.clusters.token_ids[cluster].tolist()),
            token_logits=tuple(self.clusters.token_logits[cluster].tolist()),
        )

    def members(self, cluster: int, seed: int = 0) -> list[ScoredValue]:
        """All members of a cluster with their cosine to its centre: ten random ones first (rule
        18), then the rest in order.

        Raises:
            NoClusters, IndexNotReady, UnknownCluster.
        """
        cluster = self._check_cluster(cluster)
        start = int(self._first[cluster])
        ordered = self._by_cluster[start : start + int(self._sizes[cluster])]
        random = torch.Generator().manual_seed(seed)
        shuffled = torch.randperm(len(ordered), generator=random)
        first, rest = shuffled[:FIRST_MEMBERS], shuffled[FIRST_MEMBERS:].sort().values
        numbers: Tensor = ordered[torch.cat([first, rest])]
        cosines = self.clusters.cosines[numbers]
        return [
            ScoredValue(self._value(number), cosine)
            for number, cosine in zip(numbers.tolist(), cosines.tolist(), strict=True)
        ]

    # --- helpers -------------------------------------------------------------------------------

    @cached_property
    def _keywords(self) -> KeywordIndex:
        adapter = self._debugger.adapter
        terms = Terms(self._debugger.vocabulary)
        return KeywordIndex(terms, adapter.n_layers, adapter.ffn_width)

    def _check_cluster(self, cluster: int) -> int:
        n_clusters = len(self.clusters.centres)
        number = whole(cluster)
        if number is None or not 0 <= number < n_clusters:
            raise UnknownCluster(
                f"There is no cluster {shown(cluster)}; clusters are 0 to {n_clusters - 1}.",
                minimum=0,
                maximum=n_clusters - 1,
            )
        return number

    def _known(self, at: ValueId) -> ValueId:
        """The same, if the model has it.

        Raises:
            InvalidInput, UnknownLayer, UnknownDimension.
        """
        if not isinstance(at, ValueId):
            raise InvalidInput(f"A value vector is named by a ValueId, not by {shown(at)}.")
        self._debugger.check(at)
        return at

    def _why(self) -> str:
        progress = self.progress
        if progress.state == "failed":
            return progress.error or "the build failed"
        return f"{progress.state}, {progress.stage} {progress.done} of {progress.total}"

    def _number(self, at: ValueId) -> int:
        return at.layer * self._debugger.adapter.ffn_width + at.dim

    def _value(self, number: int) -> ValueId:
        return ValueId(*divmod(number, self._debugger.adapter.ffn_width))
