"""The real command, run in this process or as the program that users start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lm_debugger.cli import main
from lm_debugger.settings import PREFIX
from tests.until import PATIENCE

SERVER = Path(__file__).parents[2] / "server"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture
def run() -> Callable[..., Result]:
    """`run("trace", "demo", "a")`"""
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@dataclass
class Program:
    """A running `python -m lm_debugger …`."""

    process: subprocess.Popen[str]

    def address(self) -> str:
        """Reads the banner up to the address."""
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"http://\S+", line):
                return found[0]
        raise AssertionError(f"no address was printed: {self.wait()}")

    def line_with(self, words: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if words in line:
                return line
        raise AssertionError(f"{words!r} was never printed")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit status, and what was left to read of stdout and stderr."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """`start("serve", "demo")`: whatever still runs at the end of the test is ended."""
    started: list[Program] = []

    def start_(*arguments: str, **environment: str) -> Program:
        process = subprocess.Popen(
            [sys.executable, "-m", "lm_debugger", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SERVER), **environment},
        )
        started.append(Program(process))
        return started[-1]

    yield start_
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()
        for pipe in (program.process.stdout, program.process.stderr):
            if pipe:
                pipe.close()


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=PATIENCE) as response:
        text: str = response.read().decode()
        return text
