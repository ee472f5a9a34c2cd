"""Whose turn it is to use the model: one at a time, first come first served, a bounded queue.

Hooks are a property of modules and so of every thread that runs them; taking turns is what keeps
one request's edits out of another's pass. A plain `threading.Lock` would not do: a generation that
takes a turn per token could win it again and again while traces wait.

Requests of one kind that wait at the same time can be answered together, as one batch: see
`Gate.together`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar, cast

from lm_debugger.engine.stopping import current, may_go_on, stoppable, until_none_wants_it
from lm_debugger.errors import Busy
from lm_debugger.waiting import waited

T = TypeVar("T")
R = TypeVar("R")

_ASK_SECONDS = 0.1
"""How often somebody who waits is asked whether they still want it."""


class _Turn:
    """A place in the queue. `called` is set when the model is theirs, or when somebody else has
    answered for them: then `answer` holds a function that returns or raises."""

    __slots__ = ("answer", "called", "check", "item", "work")

    def __init__(self, item: Any = None, work: Any = None) -> None:
        self.called = threading.Event()
        self.answer: Callable[[], Any] | None = None
        self.item, self.work, self.check = item, work, current()

    @property
    def is_answered(self) -> bool:
        return self.answer is not None

    def given(self) -> Any:
        assert self.answer is not None
        return self.answer()


class Gate:
    """A fair, non-reentrant lock: `with gate:`.

    Args:
        max_waiting: how many may wait for a turn.

    Raises (on entry):
        Busy: the queue is full.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._taken = False
        self._queue: deque[_Turn] = deque()

    def __enter__(self) -> None:
        self._enter(_Turn())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release()

    def together(
        self,
        item: T,
        work: Callable[[Sequence[T]], Sequence[R]],
        fits: Callable[[Sequence[T]], bool],
    ) -> R:
        """The answer to `item`. Whoever's turn comes answers for those who wait with the same
        `work` too; where that fails, each is answered alone, so that one cannot fail for another.

        Args:
            work: items -> their answers, in the same order.
            fits: whether these items may be one batch; asked about ever longer lists.

        Raises:
            Busy: the queue is full.
            Whatever `work` raises for this item.
        """
        mine = _Turn(item, work)
        self._enter(mine)
        if mine.is_answered:
            return cast(R, mine.given())
        turns = [mine]
        try:
            with self._lock:
                self._join(turns, fits)
            _answer(turns)
        finally:
            self._release()
            for turn in turns[1:]:
                turn.answer = turn.answer or _raising(Busy("The server is being stopped."))
                turn.called.set()
        return cast(R, mine.given())

    def let_others_go_first(self, at_most: float = 2.0) -> None:
        """Wait while somebody uses the model, for background work that needs the processor too.

        Args:
            at_most: seconds, so that constant traffic cannot stop the background for good.
        """
        deadline = time.monotonic() + at_most
        while self._taken and time.monotonic() < deadline:
            time.sleep(0.005)

    def _enter(self, turn: _Turn) -> None:
        """Return when the model is theirs, or when they are answered."""
        may_go_on()
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            if len(self._queue) >= self._max_waiting:
                raise Busy(
                    f"{len(self._queue)} requests are waiting for this model already; try again "
                    "in a moment.",
                    waiting=len(self._queue),
                )
            self._queue.append(turn)
        began = time.perf_counter()
        try:
            while not turn.called.wait(_ASK_SECONDS if turn.check else None):
                may_go_on()
        except BaseException:  # no longer wanted, or Ctrl-C: leave the queue
            self._leave(turn)
            raise
        finally:
            waited(time.perf_counter() - began)

    def _leave(self, turn: _Turn) -> None:
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
                return
            called = turn.called.is_set() and turn.answer is None
        if called:  # the turn had just come: pass it on
            self._release()

    def _join(self, turns: list[_Turn], fits: Callable[[Sequence[Any]], bool]) -> None:
        """Take those who wait for the same into `turns`, as long as they fit."""
        for turn in tuple(self._queue):
            if turn.work == turns[0].work and fits([*(t.item for t in turns), turn.item]):
                self._queue.remove(turn)
                turns.append(turn)

    def _release(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().called.set()  # the turn is handed over, `_taken` stays true
            else:
                self._taken = False


def _answer(turns: Sequence[_Turn]) -> None:
    """Give every turn its answer."""
    work = turns[0].work
    try:
        with stoppable(until_none_wants_it([turn.check for turn in turns])):
            answers = work([turn.item for turn in turns])
        for turn, answer in zip(turns, answers, strict=True):
            turn.answer = lambda answer=answer: answer
    except Exception as error:
        if len(turns) == 1:
            turns[0].answer = _raising(error)
            return
        for turn in turns:
            _answer([turn])


def _raising(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer
