"""Faults of the machine: each ends in a stated message or in recovery, and nothing is lost.

Elsewhere: SIGKILL during an index build and damaged indexes (tests/index/test_build), SIGTERM under
load (tests/cli/test_shutdown), a taken port (tests/cli/test_serve).
"""

from __future__ import annotations

import json
import resource
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compare import assert_same
from tests.load.confined import NO_FOLDER, limited, may_mount, on_a_disk
from tests.load.mixed import alone, clean
from tests.load.process import Served, serving
from tests.models import edit_config

Damage = Callable[[Path], object]
WEIGHTS = "model.safetensors"


def cut(path: Path, part: float) -> None:
    """Leave only the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])


def huge(folder: Path, size: int = 2**36) -> None:
    """Give a checkpoint's file of weights a hole of `size` bytes at its end."""
    content = (folder / WEIGHTS).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    key = "transformer.h.0.extra"
    header[key] = {"dtype": "U8", "shape": [size], "data_offsets": [len(data), len(data) + size]}
    text = json.dumps(header).encode()
    with (folder / WEIGHTS).open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
        file.truncate(8 + len(text) + len(data) + size)


DAMAGES: dict[str, Damage] = {
    "weights-half": lambda folder: cut(folder / WEIGHTS, 0.5),
    "weights-empty": lambda folder: (folder / WEIGHTS).write_bytes(b""),
    "weights-zeros": lambda folder: (folder / WEIGHTS).write_bytes(bytes(100_000)),
    "weights-header": lambda folder: (folder / WEIGHTS).write_bytes(
        struct.pack("<Q", 2**60) + (folder / WEIGHTS).read_bytes()[8:]
    ),
    "weights-gone": lambda folder: (folder / WEIGHTS).unlink(),
    "tokenizer-half": lambda folder: cut(folder / "tokenizer.json", 0.5),
    "tokenizer-empty": lambda folder: (folder / "tokenizer.json").write_bytes(b""),
    "tokenizer-other": lambda folder: (folder / "tokenizer.json").write_text('{"model": 1}'),
    "no-memory": huge,
    "config-half": lambda folder: cut(folder / "config.json", 0.5),
    "config-list": lambda folder: (folder / "config.json").write_text("[]"),
    "config-bytes": lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe\x00"),
    "config-shape": lambda folder: edit_config(folder, n_embd=40),
    "config-gone": lambda folder: (folder / "config.json").unlink(),
}


def test_damaged_checkpoints_are_told_and_the_others_work(folder: Path, tmp_path: Path) -> None:
    models = [str(folder)]
    for name, damage in DAMAGES.items():
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        damage(copy)
        models.append(str(copy))
    # With the check before loading switched off, so that it is found out on the way.
    arguments = ["--auto-index", "false", "--memory-limit-mb", "0"]
    before = limited("RLIMIT_AS", 2**35)
    with serving(tmp_path, models, *arguments, before=before) as served:
        good, *bad = served.get("/api/v1/models")["models"]
        assert good["state"] == "ready"
        assert {Path(model["id"]).name: model["state"] for model in bad} == dict.fromkeys(
            DAMAGES, "failed"
        )
        for model in bad:
            assert model["id"] in model["error"]
            assert len(model["error"]) < 600
            assert ("memory" in model["error"]) == model["id"].endswith("no-memory")
        assert_same(clean(served, good["id"]), clean(alone([str(folder)], tmp_path), good["id"]))


@pytest.fixture(params=["full", "read-only"])
def without_room(
    request: pytest.FixtureRequest, folder: Path, tmp_path: Path
) -> Iterator[tuple[Served, str, Callable[[], object]]]:
    """A server whose cache cannot be written, what it has to say, and the mending of it: on a disk
    of its own where that is possible, else with limits that fail in the same places."""
    cache = tmp_path / "cache"
    cache.mkdir()
    arguments: list[str] = []
    if may_mount():
        if request.param == "full":
            fill = 'dd if=/dev/zero of="$1/filler" bs=64k 2>/dev/null || true'
            before, words = on_a_disk(cache, "size=4m", fill), "disk is full"
        else:
            before, words = on_a_disk(cache, "size=4m,ro"), "Read-only file system"
    elif request.param == "full":
        before, words = limited("RLIMIT_FSIZE", 30_000), "could not be written"
    else:
        before, words = [], "could not be written"
        arguments = ["--cache-dir", str(NO_FOLDER)]

    def mend() -> None:
        if request.param == "full" and may_mount():
            Path(f"/proc/{served.process.pid}/root{cache}/filler").unlink()
        elif request.param == "full":
            most = resource.RLIM_INFINITY
            resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (most, most))

    with serving(tmp_path, [str(folder)], *arguments, before=before) as served:
        yield served, words, mend


def index_of(served: Served) -> Any:
    """The index, once it is no longer being built."""
    return served.wait_for(
        lambda: served.get("/api/v1/index"), lambda i: i["state"] in ("ready", "failed")
    )


def test_no_room_for_the_index(
    without_room: tuple[Served, str, Callable[[], object]],
    folder: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    served, words, mend = without_room
    failed = index_of(served)
    assert failed["state"] == "failed"
    assert words in failed["error"]
    assert "--cache-dir" in failed["error"]
    undisturbed = alone([str(folder)], tmp_path / "a")
    assert_same(clean(served, str(folder)), clean(undisturbed, str(folder)))
    assert served.get("/api/v1/search/concepts?q=music")["hits"]
    mend()
    served.post("/api/v1/index", {"action": "start"})
    again = index_of(served)
    if "full" in request.node.name:
        assert again["state"] == "ready"
        assert served.get("/api/v1/clusters")["clusters"]
    else:
        assert again["error"] == failed["error"]
    assert served.end() == 0
    assert "Traceback" not in served.log


def test_models_whose_files_vanish_or_are_replaced_go_on_answering(
    folder: Path, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    """Their weights are mapped from the file, which lives as long as it is mapped, whatever has its
    name."""
    deleted, replaced = tmp_path / "deleted", tmp_path / "replaced"
    for copy in (deleted, replaced):
        shutil.copytree(folder, copy)
    models = [str(deleted), str(replaced)]
    body = {"prompt": "Still here", "interventions": [{"layer": 1, "dim": 3, "kind": "on"}]}
    expected = alone([str(folder)], tmp_path).post("/api/v1/trace", json=body).json
    with serving(tmp_path, models, "--auto-index", "false") as served:
        shutil.rmtree(deleted)
        shutil.copyfile(checkpoint("one-layer") / WEIGHTS, tmp_path / "new")
        (tmp_path / "new").replace(replaced / WEIGHTS)
        for model in models:
            reply = json.loads(served.post("/api/v1/trace", {**body, "model": model}))
            assert_same(reply, {**expected, "model": model})
        served.post("/api/v1/index", {"action": "start"})
        assert index_of(served)["state"] == "ready"
