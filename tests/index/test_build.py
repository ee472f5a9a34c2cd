"""Building: resumable, cancellable, damage noticed, two builders at once, full disks."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lm_debugger.engine import gate
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import IndexNotReady
from lm_debugger.index import ModelIndex
from lm_debugger.index.build import Progress
from lm_debugger.index.store import Store, fingerprint
from tests.until import PATIENCE, until


def files(cache_dir: Path) -> dict[str, str]:
    """Name -> hash of everything an index wrote."""
    return {
        str(path.relative_to(cache_dir)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(cache_dir.rglob("*.safetensors"))
    }


def first_word(index: ModelIndex, debugger: Debugger) -> str:
    """A word that L0D0 promotes."""
    known = index.promoted(ValueId(0, 0), 50)
    assert known is not None
    texts = (debugger.token(id).text.strip() for id in known[0])
    return next(text for text in texts if text.isalpha())


@pytest.fixture
def undisturbed(small: Debugger, tmp_path: Path) -> dict[str, str]:
    """What a build leaves behind that nobody interrupts."""
    assert ModelIndex(small, tmp_path / "undisturbed").build().state == "ready"
    return files(tmp_path / "undisturbed")


def test_progress_counts_up_to_ready(small: Debugger, tmp_path: Path) -> None:
    seen: list[Progress] = []
    ModelIndex(small, tmp_path).build(seen.append)
    layers = [p.done for p in seen if p.stage == "projections"]
    assert layers == [0, 1, 2, 3]
    assert seen[0].state == "building"
    assert (seen[-1].state, seen[-1].stage) == ("ready", "clusters")
    assert seen[-1].done == seen[-1].total


def test_a_second_start_reads_what_is_there(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ModelIndex(small, tmp_path)
    first.build()

    def refuse(*args: object) -> None:
        raise AssertionError("computed although it was stored")

    monkeypatch.setattr("lm_debugger.index.build.project_layer", refuse)
    monkeypatch.setattr("lm_debugger.index.clusters.spherical_kmeans", refuse)
    again = ModelIndex(small, tmp_path)
    assert again.build().state == "ready"
    word = first_word(first, small)
    assert again.keywords(word, 20) == first.keywords(word, 20)
    assert again.layers_ready == (0, 1, 2)


def test_cancelling_stops_and_starting_again_goes_on(
    small: Debugger, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    index = ModelIndex(small, tmp_path / "cancelled")

    def cancel_after_a_layer(progress: Progress) -> None:
        if progress.done == 1:
            index.cancel()

    assert index.build(cancel_after_a_layer).state == "cancelled"
    assert index.layers_ready == (0,)
    found = index.keywords(first_word(index, small), 200)
    assert found.total > 0
    assert {hit.id.layer for hit in found.hits} == {0}
    with pytest.raises(IndexNotReady, match="cancelled"):
        _ = index.clusters
    index.start()
    index.join(PATIENCE)
    assert index.progress.state == "ready"
    assert files(tmp_path / "cancelled") == undisturbed


_KILLED = """
import sys
from pathlib import Path
from lm_debugger.engine.debugger import Debugger
from lm_debugger.index import ModelIndex

def ask(progress):
    print(progress.stage, progress.done, flush=True)
    sys.stdin.readline()

ModelIndex(Debugger.load(sys.argv[1], device="cpu"), Path(sys.argv[2])).build(ask)
"""


@pytest.mark.parametrize("at", ["projections 1", "projections 3", "clusters 2"])
def test_sigkill_at_any_moment_and_the_next_build_gives_the_same_bytes(
    small: Debugger,
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    undisturbed: dict[str, str],
    at: str,
) -> None:
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(checkpoint("tied")), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == at:
            process.send_signal(signal.SIGKILL)
            break
        print(file=process.stdin, flush=True)  # go on
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert files(folder) != undisturbed
    assert ModelIndex(small, folder).build().state == "ready"
    assert files(folder) == undisturbed


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty", "not safetensors"])
def test_damage_is_noticed_and_mended(
    small: Debugger, tmp_path: Path, undisturbed: dict[str, str], damage: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(tmp_path / "undisturbed", folder)
    for path in folder.rglob("*.safetensors"):
        content = bytearray(path.read_bytes())
        match damage:
            case "truncated":
                content = content[:-7]
            case "altered":
                content[-3] ^= 0x10
            case "empty":
                content = bytearray()
            case _:
                content = bytearray(b"PK\x03\x04 something else entirely")
        path.write_bytes(bytes(content))
    assert files(folder) != undisturbed
    assert ModelIndex(small, folder).build().state == "ready"
    assert files(folder) == undisturbed


def test_two_builders_at_once_do_not_harm_each_other(
    small: Debugger, tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    indexes = [ModelIndex(small, tmp_path / "shared") for _ in range(2)]
    threads = [threading.Thread(target=index.build) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [index.progress.state for index in indexes] == ["ready", "ready"]
    assert files(tmp_path / "shared") == undisturbed


def test_a_full_disk_is_an_error_that_says_so_and_leaves_no_litter(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lm_debugger.index.store.os.fsync", full)
    index = ModelIndex(small, tmp_path)
    progress = index.build()
    assert progress.state == "failed"
    assert progress.error is not None
    assert "disk is full" in progress.error
    assert "--cache-dir" in progress.error
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert small.trace("It still works").unedited.positions
    assert index.concepts.search(index.concepts.words("music"), 3)


def test_a_folder_that_cannot_be_made_is_an_error_too(small: Debugger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    progress = ModelIndex(small, tmp_path / "file").build()
    assert progress.state == "failed"
    assert progress.error is not None
    assert "could not be written" in progress.error


def test_old_litter_of_killed_builds_is_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old, new = tmp_path / ".a.safetensors.00.tmp", tmp_path / ".b.safetensors.00.tmp"
    for path in (old, new):
        path.write_bytes(b"half a file")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    store.sweep()
    assert not old.exists()
    assert new.exists()  # another server may be writing it


def test_the_name_changes_with_what_the_index_depends_on(
    small: Debugger, checkpoint: Callable[[str], Path]
) -> None:
    name = fingerprint(small.adapter, small.vocabulary)
    again = Debugger.load(str(checkpoint("tied")), device="cpu")
    assert fingerprint(again.adapter, again.vocabulary) == name
    with torch.no_grad():
        again.adapter.value_matrix(2)[5, 7] += 0.5
    assert fingerprint(again.adapter, again.vocabulary) != name


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
