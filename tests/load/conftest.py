"""A random model that loads in no time, and applications that nobody else asks anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import open_case

__all__ = ["folder", "open_case"]


@pytest.fixture(scope="session")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("tied")
