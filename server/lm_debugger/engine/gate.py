"""One owner of the model at a time, first come first served, with a bounded queue.

Hooks are a property of modules and so of every thread that runs them; taking turns is what keeps
one request's edits out of another's pass. A plain `threading.Lock` would not do: a generation that
takes a turn per token could win it again and again while traces wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType

from lm_debugger.errors import Busy


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
        self._queue: deque[threading.Event] = deque()

    def __enter__(self) -> None:
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
            turn = threading.Event()
            self._queue.append(turn)
        try:
            turn.wait()
        except BaseException:  # Ctrl-C while waiting: leave the queue, or pass the turn on
            with self._lock:
                waiting = turn in self._queue
                if waiting:
                    self._queue.remove(turn)
            if not waiting:
                self._release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release()

    def let_others_go_first(self, at_most: float = 2.0) -> None:
        """Wait while somebody uses the model, for background work that needs the processor too.

        Args:
            at_most: seconds, so that constant traffic cannot stop the background for good.
        """
        deadline = time.monotonic() + at_most
        while self._taken and time.monotonic() < deadline:
            time.sleep(0.005)

    def _release(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()  # the turn is handed over, `_taken` stays true
            else:
                self._taken = False
