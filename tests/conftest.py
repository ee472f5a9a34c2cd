"""What every test shares: an offline environment, hypothesis' profiles and random checkpoints."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch or the hub's client is imported: both read these once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

# Caches of this run alone: nothing of the user's is read, written or left behind.
_CACHE = tempfile.TemporaryDirectory(prefix="lm-debugger-tests-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name

# What a shell starts in the background ignores Ctrl-C, and so would every program that a test
# starts, to end it with that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The examples are the same in every run, so that a red build is red for everybody.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=40)
settings.register_profile("search", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`checkpoint(name)`: the folder of the random model `tests.models.SHAPES[name]`, made once."""
    from tests.models import SHAPES, random_model, save  # torch, only for tests that need it

    root = tmp_path_factory.mktemp("checkpoints")

    def folder(name: str) -> Path:
        path = root / name
        if not path.exists():
            save(random_model(SHAPES[name], seed=list(SHAPES).index(name)), path)
        return path

    return folder
