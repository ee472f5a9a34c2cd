"""Models from a hub: fetched with progress, measured before, and there without a network later."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Program, fetch
from tests.hub import hub
from tests.models import demo_megabytes, random_model, save
from tests.until import until

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


def once(address: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The model as listed, once something is true of it."""

    def ask() -> dict[str, Any] | None:
        model: dict[str, Any] = listed(address)[MODEL]
        return model if reached(model) else None

    model = until(ask, pause=0.1)
    assert model is not None
    return model


def test_fetched_with_progress_and_there_without_a_network(
    serve: Callable[..., Program], tmp_path: Path
) -> None:
    """The hub's client tells of every 10 MB."""
    folder = save(random_model({"n_embd": 512, "n_layer": 1}), tmp_path / "large")
    weights = folder / "model.safetensors"
    assert weights.stat().st_size * 3 // 4 > 10_000_000
    with hub(MODEL, folder) as there:
        address = serve(there.url).address()
        model = once(address, lambda m: (m["progress"] or {}).get("done", 0) > 0)
        assert model["progress"]["stage"] == "downloading"
        # what is missing of the file is its header, which holds no weights
        header = 8 + int.from_bytes(weights.read_bytes()[:8], "little")
        assert model["progress"]["total"] == weights.stat().st_size - header
        assert model["progress"]["done"] < model["progress"]["total"]
        assert listed(address)["demo"]["state"] == "ready"
        there.let.set()
        model = once(address, lambda m: m["state"] != "loading")
        assert (model["state"], model["error"], model["n_layers"]) == ("ready", None, 1)
        assert there.downloaded.count("model.safetensors") == 1
    # nobody is at the hub's address any more
    again = serve(there.url)
    model = once(again.address(), lambda m: m["state"] != "loading")
    assert (model["state"], model["error"]) == ("ready", None)


def test_refused_before_anything_is_fetched(
    serve: Callable[..., Program], checkpoint: Callable[[str], Path]
) -> None:
    with hub(MODEL, checkpoint("tied")) as there:
        address = serve(there.url, "--memory-limit-mb", str(demo_megabytes() + 16)).address()
        model = once(address, lambda m: m["state"] != "loading")
        assert model["state"] == "failed"
        assert "needs about 301 MB of memory, and 16 MB are left" in model["error"]
        assert "model.safetensors" not in there.downloaded
