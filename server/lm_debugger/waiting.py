"""How long a request waited for its turn: told by the engine, measured for whoever asks.

Where a thread has waited for the model, it calls `waited(seconds)`; where nobody listens, that does
nothing. Who wants to know, listens around the call:

    with waits() as spent:
        debugger.trace(...)
    sum(spent)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_spent: ContextVar[list[float] | None] = ContextVar("waits", default=None)


def waited(seconds: float) -> None:
    """Tell that this thread has just waited for the model."""
    spent = _spent.get()
    if spent is not None:
        spent.append(seconds)


@contextmanager
def waits() -> Iterator[list[float]]:
    """What this thread waits within this `with`, in seconds, piece by piece."""
    spent: list[float] = []
    token = _spent.set(spent)
    try:
        yield spent
    finally:
        _spent.reset(token)
