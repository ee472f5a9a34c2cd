"""Real models as the contract's tests see theirs, one in memory at a time, and what was measured.

Collected by `make test-real` only, which says in LM_DEBUGGER_REAL where the models are.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.real.weights import MODELS

FOLDER = os.environ.get("LM_DEBUGGER_REAL", "")
collect_ignore_glob = [] if FOLDER else ["test_*.py"]

Say = Callable[[str], None]
_figures: list[str] = []


@pytest.fixture(params=MODELS, scope="session")
def model(request: pytest.FixtureRequest) -> Iterator[object]:
    """Both in turn."""
    from lm_debugger.engine.debugger import Debugger
    from tests.contract.conftest import Model

    folder = Path(FOLDER).expanduser() / request.param
    start = time.perf_counter()
    debugger = Debugger.load(folder, device="cpu", remember=False)
    took, found = time.perf_counter() - start, debugger.checkpoint.self_check
    info = debugger.info
    lines = "".join(f"\n    {each.name:12} {each.error:.1e}" for each in found.equalities)
    _figures.append(
        f"{request.param}: {info.architecture}, {info.n_parameters / 1e6:.0f} M parameters, loaded "
        f"in {took:.1f} s, of which the self-check {found.seconds:.2f} s{lines}"
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    yield Model(MODELS[request.param].family, folder, debugger, tokenizer)
    gc.collect()
    # Of this process, the tests' own plain models beside the debugger's included.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    _figures.append(f"{request.param}: peak memory so far {peak:.1f} GB, plain models included")


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Shown at the end of the run."""
    name = request.node.callspec.params["model"]
    return lambda line: _figures.append(f"{name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured."""
    if _figures:
        terminalreporter.section("measured")
        for line in _figures:
            terminalreporter.write_line(line)
