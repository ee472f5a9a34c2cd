"""`Debugger.serve` on a port of one's choice, by a cell that is run again and again."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lm_debugger import Debugger
from lm_debugger.api.server import AddressUnavailable
from tests.until import PATIENCE


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index is built: what is tested is the server."""
    monkeypatch.setenv("LM_DEBUGGER_AUTO_INDEX", "false")


@pytest.fixture(scope="module")
def debugger(checkpoint: Callable[[str], Path]) -> Debugger:
    return Debugger.load(str(checkpoint("untied")), device="cpu")


def fetch(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=PATIENCE) as response:
        return json.load(response)


def test_a_cell_run_again_takes_its_port_over(
    debugger: Debugger, checkpoint: Callable[[str], Path]
) -> None:
    """With the model loaded anew, too: that is what the cell does."""
    first = debugger.serve(background=True)
    again = debugger.serve(background=True, port=first.port)
    assert "stopped" in repr(first)
    assert again.url == first.url
    assert [m["id"] for m in fetch(f"{again.url}/api/v1/models")["models"]] == [debugger.info.id]
    other = Debugger.load(str(checkpoint("tied")), device="cpu")
    with other.serve(background=True, port=first.port) as third:
        assert "stopped" in repr(again)
        assert [m["id"] for m in fetch(f"{third.url}/api/v1/models")["models"]] == [other.info.id]
        again.stop()  # what was stopped stays so, and takes nobody else along
        assert fetch(f"{third.url}/readyz")["status"] == "ready"


def test_what_else_listens_on_a_port_is_left_alone(debugger: Debugger) -> None:
    with debugger.serve(background=True) as served, socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=f"Port {port} .* is taken"):
            debugger.serve(background=True, port=port)
        with pytest.raises(AddressUnavailable, match="unknown"):
            debugger.serve(background=True, host="no.such.host.invalid", port=served.port)
        assert fetch(f"{served.url}/readyz")["status"] == "ready"
