"""A build in the background: begun, closed and left behind from other threads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from lm_debugger.engine import gate
from lm_debugger.engine.debugger import Debugger
from lm_debugger.index import ModelIndex
from tests.until import PATIENCE, until


class Watched:
    """A lock that says when somebody has to wait for it."""

    def __init__(self) -> None:
        self._lock, self.wanted = threading.Lock(), threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self.wanted.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_closing_while_the_build_is_being_started(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server was told to end in that moment; it ended with status 1."""
    starting, go_on, at_work = threading.Event(), threading.Event(), threading.Thread.start

    def start_slowly(thread: threading.Thread) -> None:
        if thread.name == "lm-debugger-index":
            starting.set()
            assert go_on.wait(PATIENCE)
        at_work(thread)

    monkeypatch.setattr(threading.Thread, "start", start_slowly)
    index = ModelIndex(small, tmp_path, n_clusters=5)
    lock = Watched()
    monkeypatch.setattr(index, "_lock", lock)
    with ThreadPoolExecutor(2) as threads:
        started = threads.submit(index.start)
        assert starting.wait(PATIENCE)
        closed = threads.submit(index.close)
        until(lambda: lock.wanted.is_set() or closed.done())
        assert not closed.done()
        go_on.set()
        started.result(PATIENCE)
        closed.result(PATIENCE)
    assert not index.is_building


def test_nothing_is_built_after_closing(small: Debugger, tmp_path: Path) -> None:
    """The thread that loads models may come to this point after the server's end."""
    index = ModelIndex(small, tmp_path, n_clusters=5)
    index.close()
    index.start()
    index.join()
    assert index.layers_ready == ()


def test_traces_go_first_while_an_index_is_built(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The builder asks the gate between products; with the gate taken it waits, and goes on."""
    waits = threading.Event()

    def sleep(seconds: float) -> None:
        waits.set()
        time.sleep(seconds)

    # No time passes for the gate, so that its patience does not end.
    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep, perf_counter=time.perf_counter)
    monkeypatch.setattr(gate, "time", clock)
    index = ModelIndex(small, tmp_path)
    with small.gate:
        index.start()
        assert waits.wait(PATIENCE)
        assert index.layers_ready == ()
    index.join(PATIENCE)
    assert index.progress.state == "ready"


_ENDS_EARLY = """
import sys
from pathlib import Path
from lm_debugger import Debugger, ModelIndex

index = ModelIndex(Debugger.load("demo", device="cpu"), Path(sys.argv[1]))
index.start()
"""


def test_a_program_may_end_while_an_index_is_built(tmp_path: Path) -> None:
    """torch at work in a thread of a process that ends calls abort()."""
    done = subprocess.run(
        [sys.executable, "-c", _ENDS_EARLY, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
