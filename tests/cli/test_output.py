"""Standard output in encodings that lack most characters, or that nobody reads to its end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.plain import Plain
from tests.cli.conftest import SERVER, Program, fetch

PROMPT = "日本é😀"


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("untied")


def run_in(encoding: str, *arguments: str) -> bytes:
    """What a command writes to a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "lm_debugger", *arguments],
        env={**os.environ, "PYTHONPATH": str(SERVER), "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def unescaped(text: str) -> str:
    """The text behind JSON's escapes."""
    raw = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return raw.encode("utf-16", "surrogatepass").decode("utf-16")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_text_is_there_with_escapes_for_what_is_lacking(folder: Path, encoding: str) -> None:
    out = run_in(encoding, "generate", str(folder), PROMPT, "-n", "3").decode(encoding)
    assert unescaped(out) == Plain(folder).greedy(PROMPT, 3) + "\n"
    assert ("é" in out) is (encoding == "cp1252")
    assert r"\u65e5\u672c" in out
    assert r"\ud83d\ude00" in out


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8"])
def test_json_stays_json(folder: Path, encoding: str) -> None:
    out = run_in(encoding, "trace", str(folder), PROMPT, "--json").decode(encoding)
    reply: dict[str, Any] = json.loads(out)
    assert reply["prompt"] == PROMPT
    assert (PROMPT in out) is (encoding == "utf-8")


@pytest.mark.parametrize(
    "arguments",
    [["openapi"], ["settings"], ["settings", "--markdown"], ["--help"], ["generate", "--help"]],
    ids=" ".join,
)
def test_no_command_is_lost(arguments: list[str]) -> None:
    """The same text in either encoding, but for the escapes."""
    whole = run_in("utf-8", *arguments).decode()
    assert unescaped(run_in("ascii", *arguments).decode("ascii")) == unescaped(whole)


def test_a_sentence_is_written_in_ascii_too(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lm_debugger", "trace", str(folder), "a", "--boost", "L日D1"],
        env={**os.environ, "PYTHONPATH": str(SERVER), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert done.returncode == 1
    assert r"'L\u65e5D1' does not name a value vector" in done.stderr.decode("ascii")


def test_output_that_nobody_reads_to_its_end_is_no_traceback(
    start: Callable[..., Program],
) -> None:
    program = start("openapi")
    assert program.process.stdout
    program.process.stdout.read(1)
    program.process.stdout.close()
    program.process.stdout = None
    _, err = program.process.communicate(timeout=60)
    assert err == ""


def model(address: str) -> dict[str, Any]:
    [only] = json.loads(fetch(f"{address}/api/v1/models"))["models"]
    found: dict[str, Any] = only
    return found


def test_a_server_serves_on_when_its_output_is_read_no_more(
    start: Callable[..., Program], folder: Path
) -> None:
    """`lm-debugger serve | head`: "ready" comes when the pipe is closed."""
    program = start("serve", str(folder), "--port", "0", "--log-level", "error")
    address = program.address()
    assert program.process.stdout
    program.process.stdout.close()
    program.process.stdout = None
    while model(address)["state"] == "loading":
        time.sleep(0.1)
    assert json.loads(fetch(f"{address}/readyz"))["status"] == "ready"
    program.process.terminate()
    _, err = program.process.communicate(timeout=60)
    assert "Traceback" not in err
    assert program.process.returncode == 0
