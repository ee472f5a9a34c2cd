"""The right answers: those of an application in this process that nobody else asks anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.api.state import state_of
from lm_debugger.settings import Settings
from tests.load.asked import Ask, answered, legacy, mixture
from tests.load.process import Served

CLEAN = {"prompt": "Whatever happened, this is", "positions": "all", "top_k": 7}
"""A trace that nobody else asks for, so that nothing remembered can answer it."""

N_CLUSTERS = 9


def alone(models: list[str], cache_dir: Path) -> FlaskClient:
    """An application with all of its models loaded and no index built."""
    settings = Settings(models=models, cache_dir=cache_dir, n_clusters=N_CLUSTERS, metrics=True)
    registry = ModelRegistry(models, loader(settings), indexer(settings))
    registry.start()
    registry.wait()
    return create_app(settings, registry).test_client()


def right_answers(client: FlaskClient, n: int, seed: int = 0) -> list[Ask]:
    """About n different requests for two models, with their answers. The indexes that these need
    are left in the application's folder for them."""
    asks: list[Ask] = []
    registry = state_of(client.application).registry
    for entry in registry.entries:
        debugger, index = registry.loaded(entry.id)
        assert index.build().state == "ready"
        shape = debugger.info.n_layers, debugger.info.ffn_width
        asks += mixture(entry.id, n * 2 // 5, shape, seed)
        if entry.id == registry.default:
            asks += legacy(n // 5, shape, seed)
    return answered(asks, client)


def clean(asked: FlaskClient | Served, model: str) -> Any:
    """A clean trace at every position."""
    body = {**CLEAN, "model": model}
    if isinstance(asked, Served):
        return json.loads(asked.post("/api/v1/trace", body))
    response = asked.post("/api/v1/trace", json=body)
    assert response.status_code == 200
    return response.json
