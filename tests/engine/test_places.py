"""Hub ids: from the cache, from the hub, and every way in which something of them is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import lm_debugger
from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import InvalidCheckpoint, LoadError, ModelNotFound
from tests import hub as fake
from tests.engine.case import PROMPTS
from tests.models import random_model, save

NAME = "someone/tiny"
COMMIT = "a" * 40
PROMPT = PROMPTS[0]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub's client, which is offline."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return folder


def keep(cache: Path, model: Path, *left_out: str, ref: str | None = "main") -> Path:
    """A model in the cache, in the hub client's own layout: blobs, a snapshot linking to them, a
    ref that names the snapshot. Returns the folder of the snapshot."""
    repository = cache / "models--someone--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    shutil.copytree(model, repository / "blobs", ignore=shutil.ignore_patterns(*left_out))
    for blob in (repository / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(Path("../../blobs") / blob.name)
    if ref is not None:
        (repository / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
        (repository / "refs" / ref).write_text(COMMIT)
    return snapshot


def said(kind: type[LoadError], name: str = NAME, **options: Any) -> str:
    with pytest.raises(kind) as failure:
        Debugger.load(name, device="cpu", **options)
    return failure.value.message


def test_a_model_in_the_cache(cache: Path, folder: Path) -> None:
    keep(cache, folder)
    expected = Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited
    for revision in (None, "main", COMMIT):
        debugger = Debugger.load(NAME, device="cpu", revision=revision)
        assert debugger.info.id == NAME
        assert debugger.trace(PROMPT).unedited == expected


def test_a_revision_with_a_slash(cache: Path, folder: Path) -> None:
    keep(cache, folder, ref="refs/pr/1")
    assert Debugger.load(NAME, device="cpu", revision="refs/pr/1").info.n_layers == 3


def test_another_revision_than_those_in_the_cache(cache: Path, folder: Path) -> None:
    keep(cache, folder)
    sentence = said(ModelNotFound, revision="v9")
    assert "no revision 'v9'" in sentence
    assert f"main, {COMMIT}" in sentence
    assert "HF_HUB_OFFLINE" in sentence


def test_a_cache_without_the_default_revision(cache: Path, folder: Path) -> None:
    keep(cache, folder, ref="v1")
    assert "no snapshot of someone/tiny's default revision" in said(ModelNotFound)


def test_nothing_in_the_cache(cache: Path) -> None:
    sentence = said(ModelNotFound)
    assert "neither a folder here nor a model in the hub's cache" in sentence
    assert str(cache) in sentence
    assert "HF_HUB_OFFLINE" in sentence


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ("*.safetensors", "neither model.safetensors nor model.safetensors.index.json"),
        ("tokenizer*", "none of tokenizer.json"),
        ("config.json", "no config.json"),
    ],
)
def test_a_cache_that_lacks_files(cache: Path, folder: Path, left_out: str, words: str) -> None:
    snapshot = keep(cache, folder, left_out)
    sentence = said(InvalidCheckpoint)
    assert words in sentence
    assert f"the hub's cache, {snapshot} (the hub is not asked, as HF_HUB_OFFLINE is" in sentence


def test_a_dangling_link_in_the_cache(cache: Path, folder: Path) -> None:
    snapshot = keep(cache, folder, "*.safetensors")
    (snapshot / "model.safetensors").symlink_to("../../blobs/gone")
    assert "is a link to ../../blobs/gone" in said(InvalidCheckpoint)


@pytest.mark.parametrize("name", ["not a valid id!", "a--b", "a/b.git", "-a"])
def test_a_name_that_cannot_be_a_hub_id(cache: Path, name: str) -> None:
    assert "cannot be a hub id" in said(ModelNotFound, name)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 5000, "a\0b", "./" + "y" * 5000])
def test_a_name_that_is_no_path_either(cache: Path, name: str) -> None:
    said(LoadError, name)


# --- with a hub, which is a server on this machine ------------------------------------------------

SCRIPT = """
import json, sys, time
from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import LoadError

for name, revision in json.loads(sys.argv[1]):
    start = time.monotonic()
    try:
        debugger = Debugger.load(name, device="cpu", revision=revision)
        top = debugger.trace("Yes").unedited.positions[0].prediction.top
        said = [entry.token.id for entry in top]
    except LoadError as error:
        said = f"{type(error).__name__}: {error.message}"
    print(json.dumps([said, time.monotonic() - start]))
"""


def load_from(url: str, home: Path, *asked: tuple[str, str | None]) -> list[Any]:
    """What a process of its own gets from a hub; the client reads its environment once."""
    home.mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    package = Path(lm_debugger.__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(asked)],
        env={**environment, "HF_HOME": str(home), "HF_ENDPOINT": url, "PYTHONPATH": str(package)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line)[0] for line in result.stdout.splitlines()]


def test_a_model_is_fetched_and_loads_without_the_hub_from_then_on(
    folder: Path, tmp_path: Path
) -> None:
    expected = [
        entry.token.id
        for entry in Debugger.load(str(folder), device="cpu")
        .trace("Yes")
        .unedited.positions[0]
        .prediction.top
    ]
    with fake.hub(NAME, folder) as hub:
        hub.let.set()
        first, unknown, twice = load_from(
            hub.url, tmp_path, (NAME, None), ("someone/else", None), (NAME, "main")
        )
    assert first == twice == expected
    assert hub.downloaded.count("model.safetensors") == 1
    assert unknown.startswith("InvalidCheckpoint: someone/else has no config.json on the hub")

    # Nobody listens there now. The client would try each of a dozen files five times and more.
    start = time.monotonic()
    away, not_there = load_from(hub.url, tmp_path, (NAME, None), ("someone/else", None))
    assert away == expected
    assert not_there.startswith("ModelNotFound: 'someone/else' is neither a folder here nor")
    assert "The hub could not be reached" in not_there
    assert time.monotonic() - start < 120


def test_what_the_hub_has_no_whole_model_of(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with fake.hub(NAME, folder) as hub:
        hub.let.set()
        (pickled,) = load_from(hub.url, tmp_path / "one", (NAME, None))
        assert "neither model.safetensors nor model.safetensors.index.json on the hub" in pickled
        assert "pytorch_model.bin" not in hub.downloaded
        (folder / "config.json").unlink()
        (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
        (adapter,) = load_from(hub.url, tmp_path / "two", (NAME, None))
    assert adapter.startswith("InvalidCheckpoint: someone/tiny has no config.json on the hub")
    assert "merge_and_unload" in adapter


def test_a_model_in_several_files_is_fetched_whole(tmp_path: Path) -> None:
    folder = save(random_model({}, seed=3), tmp_path / "many", max_shard_size="200KB")
    parts = sorted(path.name for path in folder.glob("model-*.safetensors"))
    assert len(parts) > 1
    with fake.hub(NAME, folder) as hub:
        hub.let.set()
        (top,) = load_from(hub.url, tmp_path, (NAME, None))
        assert len(top) == 10
        assert sorted(n for n in hub.downloaded if n in parts) == parts
        (folder / parts[0]).unlink()
        (missing,) = load_from(hub.url, tmp_path / "again", (NAME, None))
    assert parts[0] in missing
