"""What is learnt of a request on the way to its answer, told to whoever writes it down:

with noting(lambda n_tokens: ...):
    debugger.ask(...)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_note: ContextVar[Callable[[int], None] | None] = ContextVar("note", default=None)


@contextmanager
def noting(note: Callable[[int], None]) -> Iterator[None]:
    """Within this `with`, in this thread, `note` is told the number of tokens of each prompt."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


def prompt_of(n_tokens: int) -> None:
    """Tell that a prompt of so many tokens is being worked on."""
    note = _note.get()
    if note is not None:
        note(n_tokens)
