"""What a stage of a build is, and what it is given to work with.

A stage makes files of a bank, step by step: each step's file is either found in the store or
computed and put there, so that a build which is stopped or killed goes on where it was.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from torch import Tensor

from lm_debugger.index.bank import Bank
from lm_debugger.index.source import Source
from lm_debugger.index.store import Store

Method = Literal["kmeans", "complete-linkage"]
METHODS: tuple[Method, ...] = ("kmeans", "complete-linkage")

REPORT_SECONDS = 0.5
"""Within a long step, progress is told so often."""

Result = TypeVar("Result")
Other = TypeVar("Other")
Files = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Options:
    """What stages can be asked for.

    `n_clusters`: how many are wanted; 0: none. `method`: of clustering.
    """

    n_clusters: int = 0
    method: Method = "kmeans"


class Cancelled(Exception):
    """Raised inside a build that was asked to stop."""


class Report(Protocol):
    """Tells whoever watches a build that something of its `Progress` changed."""

    def __call__(self, **changes: object) -> None: ...


class Stage(ABC, Generic[Result]):
    """One part of an index; `Result` is what later stages and the index itself take from it."""

    name: ClassVar[str]
    """As progress tells it."""
    files: ClassVar[str]
    """The beginning of its files' names; no other stage's."""
    unit: ClassVar[str] = "layer"
    """What one of its steps is."""
    inputs: ClassVar[tuple[type[Stage[Any]], ...]] = ()
    """The stages whose results it reads."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def is_wanted(self) -> bool:
        """Whether the options ask for it."""
        return True

    @abstractmethod
    def n_steps(self, bank: Bank) -> int:
        """How many steps it has, at most."""

    @abstractmethod
    def run(self, work: Work) -> Result:
        """Find or compute everything; tell each step with `work.step`, and call `work.pause`
        between products, of which none may take longer than about a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What all stages of one build share.

    `check`: raises Cancelled once the build is to stop. `results`: of the stages that are done.
    `publish`: is given what is ready to be used, stage by stage.
    """

    source: Source
    bank: Bank
    store: Store
    results: Mapping[type[Stage[Any]], Any]
    check: Callable[[], None]
    report: Report
    publish: Callable[[type[Stage[Any]], Any], None]


class Work:
    """What one stage works with: the model, the bank, its own files, and the ways to be stopped,
    to say how far it is and to hand over what is ready.

    A file's key says everything that it depends on beside the model and the bank.
    """

    def __init__(self, stage: Stage[Any], means: Means) -> None:
        self.source, self.bank = means.source, means.bank
        self._stage, self._means = stage, means
        self._total = stage.n_steps(means.bank)
        self._began = self._reported = time.monotonic()
        self._done = 0
        self._computed = 0  # steps that were not found in the store
        self._is_new = False  # this step is such a one
        means.report(state="building", stage=stage.name, done=0, total=self._total,
                     within=0.0, seconds_left=None)  # fmt: skip

    def result(self, stage: type[Stage[Other]]) -> Other:
        """That of one of the stage's `inputs`."""
        found: Other = self._means.results[stage]
        return found

    def publish(self, part: Any) -> None:
        """Hand over what is ready to be used."""
        self._means.publish(type(self._stage), part)

    # --- files ---------------------------------------------------------------------------------

    def once(self, key: str, make: Callable[[], Files]) -> dict[str, Tensor]:
        """The tensors of a file: found, or made and stored. Raises IndexStorage."""
        found = self.load(key)
        if found is None:
            found = dict(make())
            self.save(key, found)
        return found

    def load(self, key: str) -> dict[str, Tensor] | None:
        """What is stored; None if there is nothing, or nothing sound."""
        return self._means.store.load(self._file(key))

    def save(self, key: str, tensors: Files) -> None:
        """Store what was computed. Raises IndexStorage."""
        self._is_new = True
        self._means.store.save(self._file(key), tensors)

    def delete(self, key: str) -> None:
        """Remove a file that is no longer needed."""
        self._means.store.delete(self._file(key))

    def _file(self, key: str) -> str:
        return f"{self._stage.files}-{key}"

    # --- progress ------------------------------------------------------------------------------

    def pause(self, within: float = 0.0) -> None:
        """Let requests go first, and be stopped here.

        Args:
            within: how much of the step at hand is done, from 0 to 1.

        Raises:
            Cancelled.
        """
        self._means.check()
        self.source.gate.let_others_go_first()
        if within and time.monotonic() - self._reported > REPORT_SECONDS:
            self._report(within, self._computed + within)

    def step(self, done: int) -> None:
        """So many steps are done."""
        self._computed += self._is_new
        self._done, self._is_new = done, False
        self._report(0.0, self._computed)

    def _report(self, within: float, computed: float) -> None:
        self._reported = time.monotonic()
        left = self._total - self._done - within
        seconds = (self._reported - self._began) / computed * left if computed else None
        self._means.report(done=self._done, within=within, seconds_left=seconds)
