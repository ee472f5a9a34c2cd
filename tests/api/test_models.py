"""Models load in the background, one by one; what can be asked of the server meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.progress import Report
from lm_debugger.api.registry import Entry, ModelRegistry, indexer, loader
from lm_debugger.engine.debugger import Debugger
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.until import PATIENCE, until


class Held:
    """Loads real models, each when it is told to."""

    def __init__(self, names: list[str]) -> None:
        self.permits = {name: threading.Event() for name in names}
        self.loaded: list[str] = []
        self.changed: list[Entry] = []
        self.registry = ModelRegistry(names, self._load, indexer(Settings()), self.changed.append)
        self.client = create_app(Settings(models=names), self.registry).test_client()

    def _load(self, name: str, report: Report) -> Debugger:
        assert self.permits[name].wait(PATIENCE)
        if name == "broken":
            raise MemoryError("no memory for this model\nsecond line")
        debugger = loader(Settings())(name, report)
        self.loaded.append(name)
        return debugger

    def permit(self, name: str) -> None:
        """Let it load, and wait until it is ready or failed."""
        self.permits[name].set()
        until(lambda: any(entry.id == name for entry in self.changed))

    def states(self) -> dict[str, str]:
        states: dict[str, str] = self.client.get("/readyz").json["models"]
        return states


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Held]:
    held: list[Held] = []

    def make(names: list[str]) -> Held:
        held.append(Held(names))
        held[-1].registry.start()
        return held[-1]

    return make


def test_readiness_follows_the_first_model_that_answers(
    hold: Callable[[list[str]], Held], random_folder: Path
) -> None:
    second = str(random_folder)
    held = hold(["broken", "demo", second])
    before = held.client.get("/readyz")
    assert (before.status_code, before.json["status"]) == (503, "loading")
    assert int(before.headers["Retry-After"]) > 0
    assert held.client.get("/healthz").status_code == 200
    held.permit("broken")
    assert held.client.get("/readyz").status_code == 503
    assert held.states() == {"broken": "failed", "demo": "loading", second: "loading"}
    held.permit("demo")
    assert held.client.get("/readyz").status_code == 200
    assert held.states() == {"broken": "failed", "demo": "ready", second: "loading"}
    held.permit(second)
    assert held.states() == {"broken": "failed", "demo": "ready", second: "ready"}
    assert [entry.id for entry in held.changed] == ["broken", "demo", second]


def test_requests_before_a_model_is_ready(hold: Callable[[list[str]], Held]) -> None:
    held = hold(["demo"])
    for path, body in (
        ("/api/v1/trace", {"prompt": PROMPT}),
        ("/api/v1/generate", {"prompt": PROMPT}),
        ("/api/v1/generate/stream", {"prompt": PROMPT}),
    ):
        response = held.client.post(path, json=body)
        assert (response.status_code, response.json["error"]["code"]) == (503, "model_loading")
        assert int(response.headers["Retry-After"]) > 0
    assert held.client.get("/api/v1/values/0/0").status_code == 503
    held.permit("demo")
    assert held.client.post("/api/v1/trace", json={"prompt": PROMPT}).status_code == 200


def test_a_failed_model_says_why_and_others_serve(hold: Callable[[list[str]], Held]) -> None:
    held = hold(["broken", "demo"])
    held.permit("broken")
    held.permit("demo")
    listed = held.client.get("/api/v1/models").json
    assert listed["default"] == "broken"
    broken, demo = listed["models"]
    assert (broken["state"], broken["n_layers"]) == ("failed", None)
    assert broken["error"] == "broken could not be loaded: no memory for this model"
    assert (demo["state"], demo["error"]) == ("ready", None)
    response = held.client.post("/api/v1/trace", json={"prompt": PROMPT})
    assert (response.status_code, response.json["error"]["code"]) == (503, "load_error")
    assert "no memory" in response.json["error"]["message"]
    good = held.client.post("/api/v1/trace", json={"prompt": PROMPT, "model": "demo"})
    assert good.status_code == 200


def test_all_failed(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    registry = ModelRegistry([missing], loader(Settings()), indexer(Settings()))
    registry.start()
    registry.wait()
    client = create_app(Settings(models=[missing]), registry).test_client()
    response = client.get("/readyz")
    assert (response.status_code, response.json["status"]) == (503, "failed")
    error = client.post("/api/v1/trace", json={"prompt": PROMPT}).json["error"]
    assert error["code"] == "model_not_found"


def test_model_list_tells_shape_from_the_checkpoint(
    client: FlaskClient, random_folder: Path
) -> None:
    first, second = client.get("/api/v1/models").json["models"]
    assert (first["id"], second["id"]) == (str(random_folder), "demo")
    expected = {
        "state": "ready",
        "error": None,
        "n_layers": 2,
        "d_model": 24,
        "ffn_width": 40,
        "n_heads": 3,
        "n_positions": 64,
        "vocab_size": 8192,
        "tied_unembedding": False,
        "activation": "gelu",
        "dtype": "float32",
    }
    assert {name: first[name] for name in expected} == expected


def test_loaded_debugger_can_be_served_as_it_is() -> None:
    debugger = Debugger.load("demo", device="cpu")
    registry = ModelRegistry.of(debugger, indexer(Settings()))
    assert registry.get() is debugger
    assert registry.get("demo") is debugger
    assert registry.state == "ready"


def test_a_model_that_loads_after_the_end_begins_nothing(
    hold: Callable[[list[str]], Held],
) -> None:
    """Its index would be built while the program ends, with nobody to stop it."""
    held = hold(["broken", "demo"])
    held.permit("broken")
    held.registry.close()
    held.permits["demo"].set()
    held.registry.wait(PATIENCE)
    assert held.loaded == ["demo"]
    assert [entry.id for entry in held.changed] == ["broken"]
    assert held.states()["demo"] == "loading"


def test_alive_is_not_ready() -> None:
    loading = threading.Event()

    def load(*_: Any) -> Any:
        assert loading.wait(PATIENCE)
        raise RuntimeError("no such thing")

    models = ModelRegistry(["slow"], load, indexer(Settings()))
    client = create_app(Settings(), models).test_client()
    models.start()
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json["models"] == {"slow": "loading"}
    loading.set()
    models.wait()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json["status"] == "failed"
