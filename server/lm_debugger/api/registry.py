"""The models of one server: loaded in the background, one after the other, found by name.

How one comes into memory is `loader.py`'s business.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lm_debugger.api.loader import Loader
from lm_debugger.api.naming import Names
from lm_debugger.api.progress import Progress, Report
from lm_debugger.errors import LoadError, ModelLoading, UnknownModel

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.index import ModelIndex
    from lm_debugger.settings import Settings

log = logging.getLogger(__name__)

RETRY_AFTER = 2
"""Seconds after which a client should ask again for a model that is loading."""

State = Literal["loading", "ready", "failed"]


@dataclass(frozen=True)
class Entry:
    """One served model. `progress` is there while it is loading, `debugger` and `index` when it is
    ready, `error` when it failed, `told` the same as it is told; the index may still be unbuilt."""

    id: str
    state: State = "loading"
    progress: Progress | None = None
    debugger: Debugger | None = None
    index: ModelIndex | None = None
    error: LoadError | None = None
    told: LoadError | None = None


class ModelRegistry:
    """The served models, in the order given; the first is the default.

    Args:
        names: what `load` is called with, and the models' ids; where they are the same, as on a
            server that is not hosted, names alone will do. Must not be empty.
        load: makes a Debugger, and tells how far it is; raises LoadError.
        make_index: makes the index of a loaded model, which is not built yet.
        on_change: told of every model that became ready or failed, in the loading thread.
    """

    def __init__(
        self,
        names: Names | Iterable[str],
        load: Callable[[str, Report], Debugger],
        make_index: Callable[[Debugger], ModelIndex],
        on_change: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        self._names = names if isinstance(names, Names) else Names(names)
        self._entries = {
            id: Entry(id, progress=Progress("waiting")) for id in self._names.ids.values()
        }
        self._load = load
        self._make_index = make_index
        self._on_change = on_change
        self._lock = threading.Lock()  # closing, and entering what has just been loaded
        self._closed = False
        self._thread = threading.Thread(target=self._load_all, name="load-models", daemon=True)

    @classmethod
    def of(
        cls,
        debugger: Debugger,
        make_index: Callable[[Debugger], ModelIndex],
        *,
        hosted: bool = False,
    ) -> ModelRegistry:
        """A registry of one model that is loaded already."""
        names = Names([debugger.info.id], hosted=hosted)
        registry = cls(names, lambda name, report: debugger, make_index)
        registry._load_all()
        return registry

    def start(self) -> None:
        """Begin to load, and return at once."""
        self._thread.start()

    def wait(self, timeout: float | None = None) -> None:
        """Return when every model is ready or failed, or after `timeout` seconds."""
        self._thread.join(timeout)

    def close(self) -> None:
        """Stop the indexes that are being built; from now on no model becomes ready."""
        with self._lock:
            self._closed = True
        for entry in self.entries:
            if entry.index is not None:
                entry.index.close()

    @property
    def default(self) -> str:
        return next(iter(self._entries))

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries.values())

    @property
    def state(self) -> State:
        """`ready` as soon as one model is; `failed` when all of them failed."""
        states = {entry.state for entry in self.entries}
        if "ready" in states:
            return "ready"
        return "loading" if "loading" in states else "failed"

    @property
    def is_complete(self) -> bool:
        """Is one model ready, and none still loading?"""
        return {entry.state for entry in self.entries} in ({"ready"}, {"ready", "failed"})

    def get(self, id: str | None = None) -> Debugger:
        """The model of that id, or the default one.

        Raises:
            UnknownModel: it is not served here.
            ModelLoading: not yet.
            LoadError: it could not be loaded.
        """
        return self.loaded(id)[0]

    def loaded(self, id: str | None = None) -> tuple[Debugger, ModelIndex]:
        """The model of that id, or the default one, and its index; raises as `get` does."""
        name = self.default if id is None else id
        entry = self._entries.get(name)
        if entry is None:
            raise UnknownModel(
                f"No model {name[:200]!r} is served here; there is {', '.join(self._entries)}.",
                model=name[:200],
                allowed=list(self._entries),
            )
        if entry.told is not None:
            raise type(entry.told)(entry.told.message, **entry.told.details)
        if entry.debugger is None or entry.index is None:
            raise ModelLoading(
                f"The model {name} is still loading; try again in a moment.",
                retry_after=RETRY_AFTER,
                model=name,
            )
        return entry.debugger, entry.index

    def _load_all(self) -> None:
        for name, id in self._names.ids.items():
            entry = self._load_one(name, id)
            with self._lock:
                if self._closed:  # nobody would stop its index
                    return
                self._entries[id] = entry
            self._on_change(entry)

    def _load_one(self, name: str, id: str) -> Entry:
        def report(progress: Progress) -> None:
            self._entries[id] = replace(self._entries[id], progress=progress)

        try:
            debugger = self._load(name, report)
            if debugger.info.id != id:
                debugger = debugger.known_as(id)
            return Entry(id, "ready", debugger=debugger, index=self._make_index(debugger))
        except LoadError as error:
            failure = error
        except Exception as error:  # a bug or no memory: other models must still load
            log.exception("loading %s failed", name)
            reason = str(error).strip().splitlines() or [type(error).__name__]
            failure = LoadError(f"{name} could not be loaded: {reason[0]}", model=name)
        return Entry(id, "failed", error=failure, told=self._names.told(failure))


def loader(settings: Settings) -> Loader:
    """`Debugger.load` as the settings want it."""
    return Loader(settings)


def indexer(settings: Settings) -> Callable[[Debugger], ModelIndex]:
    """`ModelIndex` as the settings want it; unbuilt."""

    def make(debugger: Debugger) -> ModelIndex:
        from lm_debugger.index import ModelIndex

        n_vectors = debugger.info.n_layers * debugger.info.ffn_width
        wanted = settings.n_clusters  # for the largest model served: a small one may have fewer
        return ModelIndex(
            debugger,
            settings.cache_dir,
            n_clusters=wanted and min(wanted, n_vectors),
            method=settings.cluster_method,
        )

    return make
