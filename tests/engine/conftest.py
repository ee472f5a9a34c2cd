"""Fixtures: every model in turn, loaded once, and no network."""

from __future__ import annotations

import functools
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tokenizers import Tokenizer

from lm_debugger.engine.debugger import Debugger
from tests.engine.case import Case
from tests.models import DEMO, SHAPES
from tests.reference import Oracle


@pytest.fixture(scope="session")
def open_case(checkpoint: Callable[[str], Path]) -> Callable[[str], Case]:
    """`open_case(name)` loads a model once per test session; "demo" is the bundled one."""

    @functools.cache
    def open_(name: str) -> Case:
        folder = DEMO if name == "demo" else checkpoint(name)
        debugger = Debugger.load("demo" if name == "demo" else str(folder), device="cpu")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return Case(name, folder, debugger, Oracle(folder), tokenizer)

    return open_


@pytest.fixture(params=["demo", *SHAPES])
def case(request: pytest.FixtureRequest, open_case: Callable[[str], Case]) -> Case:
    """Every model in turn."""
    return open_case(request.param)


@pytest.fixture(scope="session")
def tied(open_case: Callable[[str], Case]) -> Case:
    """One small random model, where the shape does not matter."""
    return open_case("tied")


@pytest.fixture(scope="session")
def demo(open_case: Callable[[str], Case]) -> Case:
    return open_case("demo")


@pytest.fixture(autouse=True, scope="package")
def no_network() -> Iterator[list[Any]]:
    """No test of the engine reaches out: whatever tries is refused and written down."""
    attempts: list[Any] = []
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def refuse(*args: Any, **_: Any) -> NoReturn:
        attempts.append(args)
        raise OSError("the tests have no network")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse
    yield attempts
    socket.socket.connect, socket.getaddrinfo = connect, resolve  # type: ignore[method-assign]


@pytest.fixture
def folder(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the "tied" checkpoint, for breaking."""
    return shutil.copytree(checkpoint("tied"), tmp_path / "model")
