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
from typing import Any, TypeVar

import platformdirs

from lm_debugger.engine.checks import check_range, check_text
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.given import shown, whole
from lm_debugger.engine.nodes import Node, ValueId
from lm_debugger.errors import IndexNotReady, InvalidInput, NoClusters, OutOfRange
from lm_debugger.index import stages
from lm_debugger.index.bank import BANKS
from lm_debugger.index.build import METHODS, Build, Method, Progress
from lm_debugger.index.concepts import MOST_FOUND, ConceptSearch, ScoredValue
from lm_debugger.index.keywords import KeywordIndex, KeywordResult
from lm_debugger.index.partition import ClusterSummary, Partition
from lm_debugger.index.source import Source
from lm_debugger.index.stages.base import Options, Stage
from lm_debugger.index.stages.clustering import Clustering, Clusters, default_number
from lm_debugger.index.stages.projections import LayerProjections, Projections
from lm_debugger.index.store import Store, fingerprint
from lm_debugger.index.terms import Terms

Result = TypeVar("Result")


class ModelIndex:
    """The index of one bank of a model, built or being built.

    Args:
        cache_dir: folder in which each index gets a folder of its own; None: the system's folder
            for caches.
        n_clusters: k; None: a sensible number for the model's size; 0: no clusters.
        method: "kmeans" or the reference's "complete-linkage".
        bank: a key of `BANKS`. Answers name its rows by their `Node`, and questions are asked
            by these; value vectors by their `ValueId`, too.

    Raises:
        OutOfRange: unknown method or bank, or n_clusters not between 0 and the number of vectors.
    """

    def __init__(
        self,
        debugger: Debugger,
        cache_dir: str | os.PathLike[str] | None = None,
        n_clusters: int | None = None,
        method: Method = "kmeans",
        bank: str = "values",
    ) -> None:
        if not isinstance(debugger, Debugger):
            raise InvalidInput(f"An index is made of a Debugger, not of {shown(debugger)}.")
        if not isinstance(bank, str) or bank not in BANKS:
            raise OutOfRange(f"The bank must be one of {', '.join(BANKS)}, not {shown(bank)}.")
        self._bank = BANKS[bank](debugger.adapter)
        self.n_vectors = self._bank.n_rows
        if not isinstance(method, str) or method not in METHODS:
            raise OutOfRange(f"The clustering method must be one of {', '.join(METHODS)}.")
        number = default_number(self.n_vectors) if n_clusters is None else whole(n_clusters)
        if number is None or not 0 <= number <= self.n_vectors:
            raise OutOfRange(
                f"The number of clusters must be from 1 to {self.n_vectors}, or 0 for none."
            )
        if not isinstance(cache_dir, str | os.PathLike | None):
            raise InvalidInput(f"cache_dir must be the path of a folder, not {shown(cache_dir)}.")
        self._source = Source.of(debugger)
        self._cache_dir = Path(
            cache_dir or Path(platformdirs.user_cache_dir("lm-debugger")) / "index"
        )
        self._options = Options(number, method)
        self._lock = threading.Lock()  # starting and closing, from different threads
        self._closed = False
        self._build: Build | None = None
        self._thread: threading.Thread | None = None
        self._layers: dict[int, LayerProjections] = {}
        self._partition: Partition | None = None
        self.progress = Progress()
        self.concepts = ConceptSearch(self._source, self._bank)

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

        return Build(
            self._source,
            self._bank,
            [stage(self._options) for stage in stages.STAGES],
            lambda: self.store,
            publish=self._take,
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
        """The bank's folder; finding its name hashes the weights, about a second a gigabyte."""
        return Store(self._cache_dir, fingerprint(self._source, self._bank))

    def _take(self, stage: type[Stage[Any]], part: Any) -> None:
        """What a stage has ready."""
        if stage is Projections:
            layer, projections = part
            self._keywords.add(layer, projections)
            self._layers[layer] = projections
        elif stage is Clustering:
            self._partition = Partition(self._bank, part)

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

    def promoted(self, at: Node | ValueId, n: int) -> tuple[list[int], list[float]] | None:
        """Ids and logits of the n <= 50 tokens that a vector promotes, if its layer is built."""
        layer, row = self._bank.place(at)
        found = self._layers.get(layer)
        if found is None:
            return None
        return found.promoted_ids[row, :n].tolist(), found.promoted_logits[row, :n].tolist()

    def norm(self, at: Node | ValueId) -> float:
        """||v||_2."""
        return float(self._bank.norms[self._bank.number(at)])

    def norm_rank(self, at: Node | ValueId) -> int:
        """1 for the vector with the largest norm of the bank; ties share the better rank."""
        norms = self._bank.norms
        return 1 + int((norms > norms[self._bank.number(at)]).sum())

    @property
    def clusters(self) -> Clusters:
        """Raises: NoClusters, IndexNotReady (while they are being made)."""
        return self._clustered.clusters

    @property
    def n_clusters(self) -> int | None:
        """How many there are; None until they are made, 0 where none are wanted."""
        if self._options.n_clusters == 0:
            return 0
        return None if self._partition is None else len(self._partition.clusters.centres)

    def cluster_of(self, at: Node | ValueId) -> int:
        """The cluster a vector belongs to. Raises: NoClusters, IndexNotReady."""
        return int(self.clusters.labels[self._bank.number(at)])

    def summary(self, cluster: int) -> ClusterSummary:
        """Size, layers, cohesion and tokens of a cluster.

        Raises:
            NoClusters, IndexNotReady, UnknownCluster.
        """
        return self._clustered.summary(cluster)

    def members(self, cluster: int, seed: int = 0) -> list[ScoredValue]:
        """All members of a cluster with their cosine to its centre: ten random ones first (rule
        18), then the rest in order.

        Raises:
            NoClusters, IndexNotReady, UnknownCluster.
        """
        return self._clustered.members(cluster, seed)

    def result(self, stage: type[Stage[Result]]) -> Result:
        """What a stage made, once it is done. Raises: IndexNotReady."""
        results = {} if self._build is None else self._build.results
        if stage not in results:
            raise IndexNotReady(f"{stage.name} is not there yet ({self._why()}).")
        found: Result = results[stage]
        return found

    # --- helpers -------------------------------------------------------------------------------

    @cached_property
    def _keywords(self) -> KeywordIndex:
        source = self._source
        return KeywordIndex(Terms(source.vocabulary), self._bank)

    @property
    def _clustered(self) -> Partition:
        if self._options.n_clusters == 0:
            raise NoClusters(
                "No clusters are built here: n_clusters is 0 (which is what create_cluster_files: "
                "false of LM-Debugger's config files comes to). --n-clusters N builds them."
            )
        if self._partition is None:
            raise IndexNotReady(f"The clusters are not there yet ({self._why()}).")
        return self._partition

    def _why(self) -> str:
        progress = self.progress
        if progress.state == "failed":
            return progress.error or "the build failed"
        return f"{progress.state}, {progress.stage} {progress.done} of {progress.total}"
