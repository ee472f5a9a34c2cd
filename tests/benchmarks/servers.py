"""What `speed` measures of whole processes: clients at once, memory, start-up, the command line."""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.benchmarks.rows import Row, seconds

N_CLIENTS = 8
_MEMORY = """
import sys, torch
from tests.benchmarks.index import memory, reset_peak
from tests.benchmarks.rows import EDITS, Bench
from lm_debugger.engine.debugger import Debugger
debugger = Debugger.load(sys.argv[1], device="cpu")
for parameter in debugger.adapter.backbone.parameters():
    parameter.sum()  # the file is mapped: now all of it is there
loaded = memory("VmRSS")
reset_peak()
for number in range(30):
    debugger.trace(f"My wife is working as a number {number} of the", EDITS)
print(memory("VmHWM") - loaded)
"""


# As users have it: scipy is there for an extra, and transformers imports it where it finds it.
_MAIN = "import sys; sys.modules['scipy'] = None; from lm_debugger.cli import main; main()"


@contextmanager
def server(*models: str) -> Iterator[tuple[int, float]]:
    """`lm-debugger serve` in a process of its own, ready; gives port and seconds until then."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile("w+") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, "serve", *models, "--port", "0",
             "--auto-index", "false", "--cache-dir", cache],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", written(log))):
                time.sleep(0.02)
            while get(int(found[1]), "/readyz") != 200:
                time.sleep(0.05)  # not more: asking takes its time too
            yield int(found[1]), time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(timeout=30)


def written(log: IO[str]) -> str:
    return os.pread(log.fileno(), 1 << 16, 0).decode()


def get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


class Client:
    """One browser: a kept connection that traces prompt after prompt."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def trace(self, prompt: str) -> None:
        body = json.dumps({"prompt": prompt})
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/api/v1/trace", body, headers)
        reply = self._connection.getresponse()
        reply.read()
        assert reply.status == 200, reply.status


def clients(folder: Path, prompt: Callable[[], str], repeats: int) -> Row:
    """Traces per second of 8 clients and of one, round by round on the same server."""
    each = 3
    with server(str(folder)) as (port, _):
        workers = [Client(port) for _ in range(N_CLIENTS)]

        def together(some: list[Client]) -> float:
            """Seconds per trace."""
            prompts = [[prompt() for _ in range(each)] for _ in some]
            threads = [
                threading.Thread(target=lambda c=c, ps=ps: [c.trace(p) for p in ps])  # type: ignore[misc]
                for c, ps in zip(some, prompts, strict=True)
            ]
            return seconds(lambda: [*map(start, threads), *map(join, threads)]) / each / len(some)

        one, many = [], []
        for _ in range(repeats + 1):
            one.append(together(workers[:1]))
            many.append(together(workers))
    return Row(f"{N_CLIENTS} clients, traces/s", "one client", 1.9,
               1 / statistics.median(many[1:]), 1 / statistics.median(one[1:]),
               at_least=True, unit="/s")  # fmt: skip


def start(thread: threading.Thread) -> None:
    thread.start()


def join(thread: threading.Thread) -> None:
    thread.join()


def memory(folder: Path, goal: float) -> Row:
    """Beyond the loaded model, while both runs of 30 prompts are traced."""
    beyond = int(python("-c", _MEMORY, str(folder)))
    return Row("memory while tracing", "the loaded model", goal, beyond / 1e6, 0.0,
               difference=True, unit="MB")  # fmt: skip


def startup(repeats: int) -> Row:
    """Server ready with the bundled model."""
    ready, imports = [], []
    for _ in range(repeats):
        with server("demo") as (_, took):
            ready.append(took)
        imports.append(seconds(lambda: python("-c", "import torch, transformers")))
    return Row("server ready, bundled model", "import torch, transformers", 2.0,
               statistics.median(ready), statistics.median(imports))  # fmt: skip


def help_text(repeats: int) -> Row:
    shown, nothing = [], []
    for _ in range(repeats):
        shown.append(seconds(lambda: python("-m", "lm_debugger", "--help")))
        nothing.append(seconds(lambda: python("-c", "pass")))
    return Row("lm-debugger --help", "python -c pass", 0.5, statistics.median(shown),
               statistics.median(nothing), difference=True)  # fmt: skip


def python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": "."},
    )  # fmt: skip
    return done.stdout
