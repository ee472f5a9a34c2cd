"""A random model that loads in no time, and applications that nobody else asks anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("tied")
