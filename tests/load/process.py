"""`lm-debugger serve` as a process of its own, as it runs where strangers reach it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.until import PATIENCE

T = TypeVar("T")
SERVER = Path(__file__).parents[2] / "server"


class Served:
    """A running server. `log` is what it wrote, both outputs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        self.url = self._address()

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    @property
    def resident(self) -> int:
        """Bytes of memory in use."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as response:
            return json.loads(response.read())

    def post(self, path: str, body: object) -> bytes:
        """The reply, byte by byte."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            content: bytes = response.read()
            return content

    def wait_for_indexes(self) -> None:
        """Until the index of every model is built."""
        for model in self.get("/api/v1/models")["models"]:
            path = f"/api/v1/index?model={model['id']}"
            self.wait_for(lambda path=path: self.get(path), lambda i: i["state"] == "ready")  # type: ignore[misc]

    def wait_for_models(self) -> None:
        """Until every model is ready or has failed."""
        self.wait_for(
            lambda: self.get("/api/v1/models")["models"],
            lambda models: all(model["state"] != "loading" for model in models),
        )

    def wait_for(self, ask: Callable[[], T], is_it: Callable[[T], bool]) -> T:
        """What is asked for, once it is as wished."""
        deadline = time.monotonic() + PATIENCE
        while not is_it(found := ask()):
            assert time.monotonic() < deadline, f"{found}\n{self.log}"
            time.sleep(0.05)
        return found

    def end(self) -> int:
        """Its exit status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def _address(self) -> str:
        self.wait_for(
            lambda: self.process.poll() is None and "http://" not in self.log,
            lambda is_starting: not is_starting,
        )
        found = re.search(r"http://[\d.]+:\d+", self.log)
        assert found is not None, self.log
        return found[0]


@contextmanager
def serving(
    folder: Path, models: Sequence[str], *arguments: str, before: Sequence[str] = ()
) -> Iterator[Served]:
    """A server of these models, all of them loaded.

    Args:
        folder: for its log and its cache.
        before: a command that runs it, such as `setpriv …`.
    """
    log = folder / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "lm_debugger", "serve", *models, "--port", "0",
             "--cache-dir", str(folder / "cache"), *arguments],
            stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(SERVER), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        served = Served(process, log)
        served.wait_for_models()
        yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
