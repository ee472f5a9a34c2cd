"""Models from a hub: fetched with progress, measured before, and there without a network later."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Program, fetch
from tests.hub import hub
from tests.models import DEMO, demo_megabytes

MODEL = "somebody/small-gpt2"


@pytest.fixture
def serve(start: Callable[..., Program], tmp_path: Path) -> Callable[..., Program]:
    """A server of the model, with a cache of its own, and the hub at an address."""

    def start_(endpoint: str, *arguments: str) -> Program:
        return start(
            "serve", "demo", MODEL, "--port", "0", "--auto-index", "false",
            "--log-level", "warning", *arguments,
            HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0", HF_HOME=str(tmp_path / "hf"),
        )  # fmt: skip

    return start_


def listed(address: str) -> dict[str, Any]:
    models = json.loads(fetch(f"{address}/api/v1/models"))["models"]
    return {model["id"]: model for model in models}


def until(address: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The model as listed, once something is true of it."""
    for _ in range(300):
        model: dict[str, Any] = listed(address)[MODEL]
        if reached(model):
            return model
        time.sleep(0.1)
    raise AssertionError(f"never came: {model}")


def test_fetched_with_progress_and_there_without_a_network(
    serve: Callable[..., Program],
) -> None:
    """The hub's client tells of every 10 MB."""
    weights = DEMO / "model.safetensors"
    assert weights.stat().st_size * 3 // 4 > 10_000_000
    with hub(MODEL, DEMO) as there:
        address = serve(there.url).address()
        model = until(address, lambda m: (m["progress"] or {}).get("done", 0) > 0)
        assert model["progress"]["stage"] == "downloading"
        # what is missing of the file is its header, which holds no weights
        header = 8 + int.from_bytes(weights.read_bytes()[:8], "little")
        assert model["progress"]["total"] == weights.stat().st_size - header
        assert model["progress"]["done"] < model["progress"]["total"]
        assert listed(address)["demo"]["state"] == "ready"
        there.let.set()
        model = until(address, lambda m: m["state"] != "loading")
        assert (model["state"], model["error"], model["n_layers"]) == ("ready", None, 8)
        assert there.downloaded.count("model.safetensors") == 1
    # nobody is at the hub's address any more
    again = serve(there.url)
    model = until(again.address(), lambda m: m["state"] != "loading")
    assert (model["state"], model["error"]) == ("ready", None)


def test_refused_before_anything_is_fetched(
    serve: Callable[..., Program], checkpoint: Callable[[str], Path]
) -> None:
    with hub(MODEL, checkpoint("tied")) as there:
        address = serve(there.url, "--memory-limit-mb", str(demo_megabytes() + 16)).address()
        model = until(address, lambda m: m["state"] != "loading")
        assert model["state"] == "failed"
        assert "needs about 301 MB of memory, and 16 MB are left" in model["error"]
        assert "model.safetensors" not in there.downloaded
