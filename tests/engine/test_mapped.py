"""The pages of weight files: given back once they are packed, never at the price of a number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lm_debugger.engine.debugger import Debugger
from lm_debugger.heap import let_go
from tests.models import random_model, save

SHAPE = {"n_layer": 4, "n_embd": 256, "n_head": 4}
MIB = 1 << 20


def resident(path: Path) -> int:
    """Bytes of a file that are in this process's memory, by what the kernel tells."""
    maps = Path("/proc/self/smaps").read_text()
    parts = [part for part in re.split(r"(?m)^(?=[0-9a-f]+-)", maps) if f"{path}\n" in part]
    assert parts, "it is not mapped"
    return sum(int(re.findall(r"^Rss: +(\d+) kB", part, re.M)[0]) << 10 for part in parts)


def mapped(path: Path, n: int) -> torch.Tensor:
    """n floats in a file, mapped as safetensors maps weights."""
    storage = torch.UntypedStorage.from_file(str(path), False, 4 * n)
    return torch.tensor([], dtype=torch.float32).set_(storage, 0, (n,))


@pytest.fixture
def numbers(tmp_path: Path) -> tuple[Path, torch.Tensor]:
    """A file of 8 MiB and what is in it."""
    content = torch.arange(2 * MIB, dtype=torch.float32)
    path = tmp_path / "numbers"
    path.write_bytes(content.numpy().tobytes())
    return path, content


def test_packed_weights_are_not_in_memory_twice(tmp_path: Path) -> None:
    folder = save(random_model(SHAPE, seed=4), tmp_path)
    weights = folder / "model.safetensors"
    debugger = Debugger.load(str(folder), device="cpu")
    assert weights.stat().st_size > 16 * MIB
    assert resident(weights) < MIB
    stored = load_file(weights)
    debugger.trace("They are read again where they are needed")
    for name, now in debugger.adapter.backbone.named_parameters():
        assert torch.equal(now, stored[f"transformer.{name}"]), name


def test_what_was_only_read_is_read_again(numbers: tuple[Path, torch.Tensor]) -> None:
    path, content = numbers
    tensor = mapped(path, len(content))
    assert torch.equal(tensor, content)
    assert resident(path) == 8 * MIB
    let_go([tensor[5:].data_ptr()])
    assert resident(path) == 0
    assert torch.equal(tensor, content)


def test_what_was_written_to_stays(numbers: tuple[Path, torch.Tensor]) -> None:
    """It is in no file: the mapping is this process's own."""
    path, content = numbers
    tensor = mapped(path, len(content))
    tensor[-1] = -1.0
    let_go([tensor.data_ptr()])
    assert tensor[-1] == -1.0
    assert torch.equal(tensor[:-1], content[:-1])
    assert path.read_bytes() == content.numpy().tobytes()


def test_memory_that_is_no_files_stays(numbers: tuple[Path, torch.Tensor]) -> None:
    path, content = numbers
    tensor = mapped(path, len(content))
    other = torch.arange(2 * MIB, dtype=torch.float32)
    assert torch.equal(tensor, other)
    let_go([other.data_ptr(), 0, 1 << 62])
    assert torch.equal(other, content)
    assert resident(path) == 8 * MIB


def test_where_the_system_does_not_tell_nothing_happens(
    numbers: tuple[Path, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = numbers
    tensor = mapped(path, len(content))
    assert torch.equal(tensor, content)
    without = tmp_path / "maps"
    without.write_text(re.sub("(?m)^Anonymous.*\n", "", Path("/proc/self/smaps").read_text()))
    for maps in (tmp_path / "nowhere", without):
        monkeypatch.setattr("lm_debugger.heap._MAPS", maps)
        let_go([tensor.data_ptr()])
        assert resident(path) == 8 * MIB
