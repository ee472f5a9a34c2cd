"""Building an index in the background, stage by stage; resumable, cancellable.

Whatever is finished lies in the store and is found there by the next start, so a build that is
killed loses at most one step: one layer, one iteration of the clustering. Between products the
builder lets requests go first.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lm_debugger.errors import DebuggerError, InvalidInput
from lm_debugger.index.bank import Bank
from lm_debugger.index.source import Source
from lm_debugger.index.stages.base import METHODS, Cancelled, Means, Method, Stage, Work
from lm_debugger.index.store import Store

__all__ = ["METHODS", "Build", "Method", "Progress", "State"]

log = logging.getLogger(__name__)

State = Literal["waiting", "building", "ready", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a build stands: `done` of `total` steps of the stage of this name, such as layers or
    iterations, and of the step after them `within`, from 0 to 1.

    `seconds_left` is an estimate for the stage, None before there is anything to go by.
    """

    state: State = "waiting"
    stage: str = "projections"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    error: str | None = None
    within: float = 0.0


class Build:
    """One run through the stages of a bank. Call `run` once, from any thread.

    Args:
        stages: in the order in which they run; those that the options do not ask for are left out.
        store: finds the folder; is called by `run`, as it takes a while.
        publish: is called with what is ready to be used, and the class of its stage.
        on_progress: is called with every change.

    Raises:
        InvalidInput: a stage comes before one of its inputs, or two write files of one name.
    """

    def __init__(
        self,
        source: Source,
        bank: Bank,
        stages: Sequence[Stage[Any]],
        store: Callable[[], Store],
        *,
        publish: Callable[[type[Stage[Any]], Any], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        _check(stages)
        self._source, self._bank = source, bank
        self._stages = stages
        self._find_store = store
        self._publish = publish
        self._on_progress = on_progress
        self._cancel = threading.Event()
        self._progress = Progress()
        self.results: dict[type[Stage[Any]], Any] = {}
        """Of the stages that are done."""

    def cancel(self) -> None:
        """Ask the build to stop; it does within one product."""
        self._cancel.set()

    def run(self) -> Progress:
        """Build what is missing. Failures end in the returned progress, they are not raised."""
        try:
            store = self._find_store()
            store.sweep()
            means = Means(
                self._source, self._bank, store, self.results, self._check, self._report,
                self._publish,
            )  # fmt: skip
            for stage in self._stages:
                if stage.is_wanted:
                    self.results[type(stage)] = stage.run(Work(stage, means))
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

    def _check(self) -> None:
        if self._cancel.is_set():
            raise Cancelled

    def _report(self, **changes: Any) -> None:
        before = self._progress
        p = self._progress = replace(before, **changes)
        if (p.state, p.stage, p.done) != (before.state, before.stage, before.done) or not p.within:
            log.info("index: %s, %s %d/%d", p.state, p.stage, p.done, p.total)
        self._on_progress(p)


def _check(stages: Sequence[Stage[Any]]) -> None:
    earlier: list[type[Stage[Any]]] = []
    for stage in stages:
        missing = [needed.name for needed in stage.inputs if needed not in earlier]
        if missing:
            raise InvalidInput(
                f"The stage {stage.name} reads what {', '.join(missing)} makes, which does not "
                "come before it."
            )
        same = [other.name for other in earlier if other.files == stage.files]
        if same:
            raise InvalidInput(f"The stages {same[0]} and {stage.name} name their files alike.")
        earlier.append(type(stage))
