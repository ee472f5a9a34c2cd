"""One built index for the tests that only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.index import ModelIndex
from tests.reference_index import Library


@dataclass(frozen=True)
class Built:
    """A random model, its index and what the oracle says of it."""

    debugger: Debugger
    index: ModelIndex
    library: Library
    cache_dir: Path


@pytest.fixture(scope="session", params=["tied", "untied", "padded"])
def built(
    request: pytest.FixtureRequest,
    checkpoint: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Built:
    folder = checkpoint(request.param)
    debugger = Debugger.load(str(folder), device="cpu")
    cache_dir = tmp_path_factory.mktemp("index")
    index = ModelIndex(debugger, cache_dir, n_clusters=12)
    assert index.build().state == "ready"
    return Built(debugger, index, Library(folder), cache_dir)


@pytest.fixture
def small(checkpoint: Callable[[str], Path]) -> Debugger:
    """A debugger whose index a test may build, break and build again."""
    return Debugger.load(str(checkpoint("tied")), device="cpu")
