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
from pathlib import Path

import pytest
import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import IndexNotReady
from lm_debugger.index import ModelIndex
from lm_debugger.index.bank import values
from lm_debugger.index.build import Progress
from lm_debugger.index.source import Source
from lm_debugger.index.store import Store, fingerprint
from tests.until import PATIENCE


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
    layers = [p.done for p in seen if p.stage == "projections" and not p.within]
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

    monkeypatch.setattr("lm_debugger.index.stages.projections.project", refuse)
    monkeypatch.setattr("lm_debugger.index.stages.clustering.spherical_kmeans", refuse)
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


def test_a_clustering_goes_on_from_its_last_iteration(small: Debugger, tmp_path: Path) -> None:
    index = ModelIndex(small, tmp_path)
    steps: list[int] = []

    def watch(progress: Progress) -> None:
        if progress.stage == "clusters" and not progress.within:
            steps.append(progress.done)
            if steps == [0, 1, 2]:
                index.cancel()

    assert index.build(watch).state == "cancelled"
    steps.clear()
    assert index.build(watch).state == "ready"
    assert steps[:2] == [0, 3]


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


def test_a_folder_that_cannot_be_made_is_an_error_too(
    small: Debugger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Which folder it is, is told in the log, and not to whoever asks."""
    (tmp_path / "file").write_text("in the way")
    progress = ModelIndex(small, tmp_path / "file").build()
    assert progress.state == "failed"
    assert progress.error is not None
    assert "could not be written" in progress.error
    assert str(tmp_path) not in progress.error
    assert str(tmp_path) in caplog.text


def test_old_litter_of_killed_builds_is_swept(tmp_path: Path) -> None:
    store = Store(tmp_path, "model")
    store.folder.mkdir()
    old, new = (store.folder / f".{name}.safetensors.00.tmp" for name in "ab")
    for path in (old, new):
        path.write_bytes(b"half a file")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    store.sweep()
    assert not old.exists()
    assert new.exists()  # another server may be writing it


def test_the_name_changes_with_what_the_index_depends_on(
    small: Debugger, checkpoint: Callable[[str], Path]
) -> None:
    def name_of(debugger: Debugger) -> str:
        return fingerprint(Source.of(debugger), values(debugger.adapter))

    name = name_of(small)
    again = Debugger.load(str(checkpoint("tied")), device="cpu")
    assert name_of(again) == name
    with torch.no_grad():
        again.adapter.value_matrix(2)[5, 7] += 0.5
    assert name_of(again) != name


def test_an_index_of_another_format_is_left_alone_and_made_anew_once(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("lm_debugger.index.store.FORMAT", "1")
        before = ModelIndex(small, tmp_path, n_clusters=5)
        before.build()
    old = files(before.store.folder)
    after = ModelIndex(small, tmp_path, n_clusters=5)
    assert after.build().state == "ready"
    assert after.store.folder != before.store.folder
    assert files(before.store.folder) == old  # a server of that version may share the cache

    def refuse(*args: object) -> None:
        raise AssertionError("computed although it was stored")

    monkeypatch.setattr("lm_debugger.index.stages.projections.project", refuse)
    monkeypatch.setattr("lm_debugger.index.stages.clustering.spherical_kmeans", refuse)
    assert ModelIndex(small, tmp_path, n_clusters=5).build().state == "ready"
