"""`lm-debugger serve`, as a program: starting, serving, ending."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.cli import serve
from tests.cli.conftest import Program, fetch
from tests.cli.test_reference_config import REFERENCE_FILE

Start = Callable[..., Program]
CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("one-layer")


def test_serves_and_ends_with_ctrl_c(start: Start, folder: Path) -> None:
    program = start("serve", str(folder), "--port", "0")
    address = program.address()
    assert fetch(f"{address}/healthz")
    assert "ready (1 layers" in program.line_with(str(folder) + ": ")
    assert json.loads(fetch(f"{address}/readyz"))["status"] == "ready"
    assert json.loads(fetch(f"{address}/api/v1/values/0/0?top_k=1"))["model"] == str(folder)
    status, out, err = program.end(signal.SIGINT)
    assert (status, out) == (0, "Stopped.\n"), err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("owner", "step"), [(serve, "_banner"), (ModelRegistry, "start"), (Server, "run")]
)
def test_ctrl_c_before_serving_has_begun(
    monkeypatch: pytest.MonkeyPatch, folder: Path, owner: Any, step: str
) -> None:
    """It ends as later: click would say "Aborted!" and give status 1."""
    made: list[Server] = []
    make = Server.__init__

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def watched(server: Server, *args: Any) -> None:
        make(server, *args)
        made.append(server)

    monkeypatch.setattr(owner, step, interrupted)
    monkeypatch.setattr(Server, "__init__", watched)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        result = CliRunner().invoke(serve.command, [str(folder), "--port", "0"])
    finally:
        signal.signal(signal.SIGTERM, on_sigterm)
    assert (result.exit_code, result.output.splitlines()[-1:]) == (0, ["Stopped."])
    address = urlsplit(made[0].url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=10)


def test_config_file_of_the_bundled_model_and_sigterm(start: Start) -> None:
    program = start("serve", "--config", str(CONFIG / "demo.jsonnet"), "--port=0")
    address = program.address()
    assert "demo: ready" in program.line_with("demo: ")
    listed = json.loads(fetch(f"{address}/api/v1/models"))
    assert [model["id"] for model in listed["models"]] == ["demo"]
    status, out, err = program.end(signal.SIGTERM)
    assert (status, out) == (0, "Stopped.\n"), err
    assert "Traceback" not in err


def test_lm_debuggers_own_config_file(start: Start, folder: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = REFERENCE_FILE.replace("gpt2-medium", str(folder)).replace("8123", "0")
    for before, after in (("8501", str(port)), ("files:true", "files:false"), (":40,", ":250,")):
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "reference.jsonnet"
    path.write_text(text)
    program = start("serve", "--config_path", str(path))
    address = program.address()
    assert f"http://127.0.0.1:{port}" in program.line_with("Links of LM-Debugger's own page")
    program.line_with("ready")
    assert json.loads(fetch(f"{address}/get_projections/layer/0/dim/3"))["dim"] == 3
    assert fetch(f"http://127.0.0.1:{port}/?L=0&D=3&visualize=true") == fetch(f"{address}/")
    status, _, err = program.end()
    assert status == 0
    for words in ("Ignored", "http://127.0.0.1:3000", "no clusters are built", "from 250 to 200"):
        assert [words in line for line in err.splitlines()].count(True) == 1, err


def test_flags_win_over_the_environment(start: Start, folder: Path) -> None:
    program = start(
        "serve", str(folder), "--port", "0", "--max-top-k", "60",
        LM_DEBUGGER_MAX_TOP_K="70", LM_DEBUGGER_MAX_NEW_TOKENS="20",
    )  # fmt: skip
    limits = json.loads(fetch(f"{program.address()}/api/v1/settings"))["limits"]
    assert (limits["max_top_k"], limits["max_new_tokens"]) == (60, 20)


def test_taken_port_is_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = start("serve", "--port", str(port)).wait()
    assert (status, out) == (1, "")
    assert err == (
        f"Error: Port {port} on 127.0.0.1 is taken: something listens there already. Choose "
        "another port (--port), or 0 for any free one.\n"
    )


def test_nothing_to_serve_ends_the_program(start: Start) -> None:
    status, _, err = start("serve", "./nowhere", "--port", "0").wait()
    assert status == 1
    assert "There is no folder './nowhere'" in err
    assert "nothing to serve" in err
    assert "Traceback" not in err


def test_hosted_is_a_switch_and_a_config_file(start: Start, folder: Path) -> None:
    program = start("serve", str(folder), "--hosted", "--port", "0")
    rows = json.loads(fetch(f"{program.address()}/api/v1/settings"))["settings"]
    assert next(row["value"] for row in rows if row["name"] == "hosted") is True
    program.end()
    hosted = CONFIG / "hosted.jsonnet"
    program = start("serve", str(folder), "--config", str(hosted), "--port", "0")
    rows = json.loads(fetch(f"{program.address()}/api/v1/settings"))["settings"]
    values = {row["name"]: row["value"] for row in rows}
    assert (values["hosted"], values["models"]) == (True, [folder.name])
    assert values["trusted_proxies"] == ["127.0.0.1", "::1"]


def test_one_failing_model_does_not_stop_the_others(start: Start, folder: Path) -> None:
    program = start("serve", "./nowhere", str(folder), "--port", "0")
    address = program.address()
    program.line_with("ready (1 layers")
    states = json.loads(fetch(f"{address}/readyz"))["models"]
    assert states == {"./nowhere": "failed", str(folder): "ready"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "65535"),
        (["--config", "./nowhere.jsonnet"], "no config file"),
        (["--device", "gpu"], "auto, cpu"),
        (["--host", "no-such-host.invalid"], "unknown"),
        (["--hosted", "--host", "0.0.0.0"], "--allowed-host"),
        (["--base-url", "http://a.example/lm"], "a path such as /lm/"),
        (["--trusted-proxy", "nginx"], "neither an address nor a network"),
        (["--memory-limit-mb", "-1"], "memory_limit_mb"),
    ],
)
def test_wrong_settings_are_one_sentence(start: Start, arguments: list[str], words: str) -> None:
    status, out, err = start("serve", *arguments).wait()
    assert (status, out) == (1, "")
    assert words in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_open_address_is_pointed_out(start: Start, folder: Path) -> None:
    program = start("serve", str(folder), "--host", "0.0.0.0", "--port", "0")
    address = program.address()
    assert urlsplit(address).hostname == "127.0.0.1"
    assert "Other machines" in program.line_with("Other")
    assert fetch(f"{address}/healthz")
