"""Made-up requests to LM-Debugger's routes; those to all others are in tests/api/test_contract."""

from __future__ import annotations

from pathlib import Path

from lm_debugger.api.state import state_of
from tests.compare import assert_same
from tests.engine.test_isolation import count_hooks
from tests.load.fuzz import is_allowed, old_routes
from tests.load.mixed import alone, clean


def test_made_up_requests_to_the_old_routes(folder: Path, tmp_path: Path) -> None:
    model = str(folder)
    client = alone([model], tmp_path)

    def send(method: str, path: str, body: bytes | None, media: str | None) -> tuple[int, str]:
        response = client.open(path, method=method, data=body, content_type=media)
        return response.status_code, response.get_data(as_text=True)

    found = old_routes(send, examples=250)
    assert found.faults == []
    assert found.count >= 800
    assert {200, 400, 404, 415, 422} <= set(found.statuses)
    assert found.statuses[200] > found.count // 5
    assert_same(clean(client, model), clean(alone([model], tmp_path), model))
    assert count_hooks(state_of(client.application).registry.get(model)) == 0


def test_what_is_allowed() -> None:
    """The second description of these routes knows a good request from a bad one."""
    edit = {"layer": 2, "dim": 127, "coeff": -1, "desc": None}
    assert is_allowed("/get_data", {"prompt": "a", "interventions": [edit]})
    assert is_allowed("/generate", {"prompt": "a", "generate_k": 1})
    assert not is_allowed("/generate", {"prompt": "a"})
    for wrong in ({"layer": 3}, {"dim": 128}, {"coeff": True}, {"layer": 1.0}):
        assert not is_allowed("/get_data", {"prompt": "a", "interventions": [{**edit, **wrong}]})
