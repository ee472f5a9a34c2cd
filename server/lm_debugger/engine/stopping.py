"""Ending work that is no longer wanted: its client has gone, or its time is up.

Torch cannot be interrupted, so the work asks, between blocks, tokens and pieces of a reading. Who
asked for it decides what to answer:

    with stoppable(check):      # check() raises what is to end the work, or returns
        debugger.trace(...)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Check: TypeAlias = Callable[[], None]

_current: ContextVar[Check | None] = ContextVar("check", default=None)


@contextmanager
def stoppable(check: Check | None) -> Iterator[None]:
    """Within this `with`, in this thread, `may_go_on` asks `check`."""
    token = _current.set(check)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Check | None:
    """The check that holds now, to be asked by another thread that does the work."""
    return _current.get()


def may_go_on() -> None:
    """Raises what the current check raises; without one, never."""
    check = _current.get()
    if check is not None:
        check()


def until_none_wants_it(checks: Sequence[Check | None]) -> Check | None:
    """The check of work that is done for several at once: it ends only when it would end for all
    of them, and then as it would for the last."""
    if not all(checks):
        return None

    def check() -> None:
        error: Exception | None = None
        for each in checks:
            assert each is not None
            try:
                each()
            except Exception as reason:
                error = reason
            else:
                return
        if error is not None:
            raise error

    return check
