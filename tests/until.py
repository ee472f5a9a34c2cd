"""Waiting for a state, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds that nothing takes, on any machine, however much else it does. Within pytest's own limit
for a test, so that it is this wait that fails, and says for what it waited."""


def until(ask: Callable[[], T], pause: float = 0.005) -> T:
    """What `ask` says, once that is true.

    Args:
        pause: seconds between two questions.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := ask()):
        assert time.monotonic() < deadline, f"never came: {found!r}"
        time.sleep(pause)
    return found
