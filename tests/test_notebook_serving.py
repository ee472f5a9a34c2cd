"""The page of a notebook's own model, in the background and in the foreground."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lm_debugger import Debugger
from lm_debugger.engine.types import Limits
from lm_debugger.errors import SettingsError
from tests.until import PATIENCE

PROMPT = "My wife is working as a"


@pytest.fixture(scope="module")
def debugger(checkpoint: Callable[[str], Path]) -> Debugger:
    return Debugger.load(str(checkpoint("untied")), device="cpu")


def fetch(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=PATIENCE) as response:
        return json.load(response)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index is built: what is tested is the server."""
    monkeypatch.setenv("LM_DEBUGGER_AUTO_INDEX", "false")


@pytest.mark.usefixtures("quiet")
def test_serving_in_the_background(debugger: Debugger) -> None:
    served = debugger.serve(background=True)
    try:
        [model] = fetch(f"{served.url}/api/v1/models")["models"]
        assert (model["id"], model["state"]) == (debugger.info.id, "ready")
        assert served._repr_html_().count(served.url) == 2
        debugger.trace(PROMPT)  # the notebook goes on
    finally:
        served.stop()
    with pytest.raises(urllib.error.URLError):
        fetch(f"{served.url}/readyz")
    served.stop()
    assert "stopped" in served._repr_html_()
    assert "stopped" in repr(served)
    assert debugger.trace(PROMPT).positions


@pytest.mark.usefixtures("quiet")
def test_a_server_is_a_context(debugger: Debugger) -> None:
    with debugger.serve(background=True) as served, debugger.serve(background=True) as other:
        assert served.url != other.url
        assert fetch(f"{served.url}/readyz")["status"] == "ready"
    with pytest.raises(urllib.error.URLError):
        fetch(f"{served.url}/readyz")


@pytest.mark.usefixtures("quiet")
def test_a_server_has_the_debuggers_limits(checkpoint: Callable[[str], Path]) -> None:
    limited = Debugger.load(
        str(checkpoint("untied")), device="cpu", limits=Limits(max_new_tokens=17)
    )
    with limited.serve(background=True) as served:
        assert fetch(f"{served.url}/api/v1/settings")["limits"]["max_new_tokens"] == 17


def test_settings_of_the_environment_are_checked(
    debugger: Debugger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LM_DEBUGGER_PROT", "1")
    with pytest.raises(SettingsError, match="LM_DEBUGGER_PORT"):
        debugger.serve(background=True)


def test_serving_in_the_foreground_ends_with_ctrl_c(checkpoint: Callable[[str], Path]) -> None:
    code = (
        "import sys, lm_debugger\n"
        "lm_debugger.Debugger.load(sys.argv[1], device='cpu').serve()\n"
        "print('went on')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, str(checkpoint("untied"))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LM_DEBUGGER_AUTO_INDEX": "false"},
    )
    try:
        assert process.stdout
        url = process.stdout.readline().split()[0]
        assert fetch(f"{url}/readyz")["status"] == "ready"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert (rest.splitlines(), process.returncode) == (["went on"], 0)
    finally:
        process.kill()
        process.wait()
