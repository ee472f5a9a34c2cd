"""Loading: memory is made sure of before, progress is told, and what fails harms nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lm_debugger.api import capacity
from lm_debugger.api.loader import Loader
from lm_debugger.api.progress import Progress
from lm_debugger.engine.places import weight_files
from lm_debugger.errors import LoadError
from lm_debugger.settings import Settings
from tests.models import SHAPES, edit_weights, random_model, save

WORKING = 300_000_000


def parameters(shape: str) -> int:
    """Counted by torch, in the model itself."""
    return sum(weight.numel() for weight in random_model(SHAPES[shape]).parameters())


# --- how much a model needs ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_parameters_are_counted_in_the_files(checkpoint: Callable[[str], Path], shape: str) -> None:
    files = weight_files(checkpoint(shape))
    assert capacity.count_parameters(files) == parameters(shape)


def test_parameters_of_weights_in_several_files(tmp_path: Path) -> None:
    save(random_model(SHAPES["tied"]), tmp_path, max_shard_size="300KB")
    files = weight_files(tmp_path)
    assert len(files) == 2
    assert capacity.count_parameters(files) == parameters("tied")
    files[0].unlink()
    assert weight_files(tmp_path) == []


def test_masks_of_old_checkpoints_are_not_counted(tmp_path: Path) -> None:
    def add_masks(weights: dict[str, torch.Tensor]) -> None:
        weights["transformer.h.0.attn.bias"] = torch.ones(1, 1, 64, 64)
        weights["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)

    save(random_model(SHAPES["tied"]), tmp_path)
    edit_weights(tmp_path, add_masks)
    files = weight_files(tmp_path)
    assert capacity.count_parameters(files) == parameters("tied")


def test_nothing_is_known_of_what_is_not_here(tmp_path: Path) -> None:
    assert weight_files(tmp_path) == []
    assert weight_files(tmp_path / "nowhere") == []
    assert capacity.count_parameters([]) is None


def test_damaged_files_are_left_to_the_loading(tmp_path: Path) -> None:
    file = save(random_model(SHAPES["tied"]), tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert capacity.count_parameters([file]) is None


# --- how much there is ---------------------------------------------------------------------------


def system(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


MACHINE = {"proc/meminfo": "MemTotal:  8000000 kB\nMemFree: 1 kB\nMemAvailable:  4000000 kB\n"}


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, None),
        (MACHINE, 4_096_000_000),
        # version 2, in a container: the group is the top one
        (
            MACHINE
            | {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": "1000000000\n",
                "sys/fs/cgroup/memory.current": "700000000\n",
                "sys/fs/cgroup/memory.stat": "anon 5\ninactive_file 200000000\n"
                "active_file 90000000\n",
            },
            590_000_000,
        ),
        # version 2, on the host: a group inside another that allows less
        (
            MACHINE
            | {
                "proc/self/cgroup": "0::/outer/inner\n",
                "sys/fs/cgroup/outer/inner/memory.max": "max\n",
                "sys/fs/cgroup/outer/memory.max": "900000000\n",
                "sys/fs/cgroup/outer/memory.current": "100000000\n",
                "sys/fs/cgroup/outer/memory.stat": "inactive_file 0\n",
            },
            800_000_000,
        ),
        # version 1, in a container: the path is the host's
        (
            MACHINE
            | {
                "proc/self/cgroup": "3:cpu:/docker/abc\n2:memory:/docker/abc\n0::/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "600000000\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "100000000\n",
                "sys/fs/cgroup/memory/memory.stat": "inactive_file 7\n"
                "total_inactive_file 50000000\n"
                "total_active_file 20000000\n",
            },
            570_000_000,
        ),
        # version 1 without a limit
        (
            MACHINE
            | {
                "proc/self/cgroup": "2:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "100000000\n",
                "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
            },
            4_096_000_000,
        ),
    ],
    ids=["unknown", "machine", "v2", "v2-nested", "v1", "v1-unlimited"],
)
def test_free_memory(tmp_path: Path, files: dict[str, str], free: int | None) -> None:
    assert capacity.free_memory(system(tmp_path, files)) == free


def test_only_cuda_devices_are_asked() -> None:
    assert capacity.free_on_gpu("cpu") is None
    assert capacity.free_on_gpu("mps") is None


# --- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2)])
def test_refused_by_the_last_byte(checkpoint: Callable[[str], Path], dtype: str, size: int) -> None:
    folder = str(checkpoint("untied"))
    need = parameters("untied") * size + WORKING
    settings = Settings(dtype=dtype)
    with pytest.raises(LoadError) as caught:
        Loader(settings, free=lambda: need - 1)(folder)
    message = caught.value.message
    assert message.startswith(f"{folder} needs about 30")
    assert re.search(r"\d{3} MB of memory, and 30\d MB are free", message)
    assert caught.value.details["needed_mb"] == -(-need // 10**6)
    assert caught.value.details["free_mb"] == (need - 1) // 10**6
    assert Loader(settings, free=lambda: need)(folder).info.dtype == dtype


def test_weights_that_are_converted_are_in_memory_twice(tmp_path: Path) -> None:
    """As they are, and packed; those stored in float32 stay in their file."""
    folder = str(save(random_model(SHAPES["untied"]).half(), tmp_path))
    need = 2 * 4 * parameters("untied") + WORKING
    with pytest.raises(LoadError):
        Loader(Settings(), free=lambda: need - 1)(folder)
    assert Loader(Settings(), free=lambda: need)(folder).info.dtype == "float32"


def test_models_on_the_cpu_share_what_was_free_before_the_first(
    checkpoint: Callable[[str], Path],
) -> None:
    """Their weights are mapped files, which the system counts as free until they are read."""
    first, second = str(checkpoint("untied")), str(checkpoint("one-layer"))
    both = 4 * (parameters("untied") + parameters("one-layer")) + 2 * WORKING
    load = Loader(Settings(), free=lambda: both - 1)
    load(first)
    with pytest.raises(LoadError, match="needs about"):
        load(second)
    load = Loader(Settings(), free=lambda: both)
    load(first)
    load(second)


def test_the_setting_takes_the_place_of_what_is_free(checkpoint: Callable[[str], Path]) -> None:
    folder = str(checkpoint("untied"))
    load = Loader(Settings(memory_limit_mb=700), free=lambda: 0)
    load(folder)
    load(folder)
    with pytest.raises(LoadError, match=r"and 9\d MB are left of memory_limit_mb"):
        load(folder)
    assert Loader(Settings(memory_limit_mb=0), free=lambda: 0)(folder).info.id == folder


def test_a_model_that_failed_takes_nothing(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    broken = save(random_model(SHAPES["tied"]), tmp_path)
    (broken / "config.json").write_text("{}")
    load = Loader(Settings(memory_limit_mb=302))
    for _ in range(2):
        with pytest.raises(LoadError):
            load(str(broken))
    load(str(checkpoint("untied")))


# --- progress ------------------------------------------------------------------------------------


def test_tensors_are_counted_as_they_are_read(checkpoint: Callable[[str], Path]) -> None:
    told: list[Progress] = []
    Loader(Settings())(str(checkpoint("untied")), told.append)
    tensors = len(random_model(SHAPES["untied"]).state_dict())
    assert told[0] == Progress("starting")
    assert told[1:] == [Progress("reading", n, tensors) for n in range(tensors + 1)]


def test_loading_leaves_the_librarys_progress_bars_as_they_were(
    checkpoint: Callable[[str], Path],
) -> None:
    from transformers.utils import logging

    def hook(make: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return make(*args, **options)

    before = logging.set_tqdm_hook(hook)
    try:
        Loader(Settings())(str(checkpoint("untied")))
        with pytest.raises(LoadError):
            Loader(Settings())("./nowhere")
    finally:
        assert logging.set_tqdm_hook(before) is hook


def test_a_file_that_is_no_model_is_refused_in_a_sentence(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "model.safetensors")
    with pytest.raises(LoadError, match=r"no config\.json"):
        Loader(Settings())(str(tmp_path))
