"""Real applications on real models: a small random one, the default, and the bundled one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.engine.debugger import Debugger
from lm_debugger.settings import Settings
from tests.api.plain import Plain
from tests.models import BASE, DEMO, SHAPES

PROMPT = "My wife is working as a"

# The shape of the random model, which the numbers in the tests refer to. Its greedy text changes
# with nearly every edit, which that of a trained model does not.
assert {**BASE, **SHAPES["untied"]}.items() >= {
    "n_layer": 2,
    "n_inner": 40,
    "n_positions": 64,
}.items()


@pytest.fixture(scope="session")
def random_folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("untied")


@pytest.fixture(scope="session")
def settings(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    cache_dir = tmp_path_factory.mktemp("cache")
    models = [str(random_folder), "demo"]
    return Settings(models=models, cache_dir=cache_dir, n_clusters=9, metrics=True)


@pytest.fixture(scope="session")
def registry(settings: Settings) -> Iterator[ModelRegistry]:
    registry = ModelRegistry(settings.models, loader(settings), indexer(settings))
    registry.start()
    registry.wait()
    assert [entry.state for entry in registry.entries] == ["ready", "ready"]
    yield registry
    registry.close()


@pytest.fixture
def app(settings: Settings, registry: ModelRegistry) -> Flask:
    return create_app(settings, registry)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def forgetful(settings: Settings, random_folder: Path) -> FlaskClient:
    """A server of the random model that runs it anew for every question."""
    debugger = Debugger.load(str(random_folder), device="cpu", remember=False)
    registry = ModelRegistry.of(debugger, indexer(settings))
    return create_app(settings, registry).test_client()


@pytest.fixture(scope="session")
def plain(random_folder: Path) -> Plain:
    return Plain(random_folder)


@pytest.fixture(scope="session")
def demo() -> Plain:
    return Plain(DEMO)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """The fields of the lines that are logged about requests, as they come."""
    found: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append({**vars(record)["request"], "level": record.levelname})

    access = logging.getLogger("lm_debugger.access")
    handler = Keep()
    access.addHandler(handler)
    caplog.set_level(logging.DEBUG)
    yield found
    access.removeHandler(handler)
