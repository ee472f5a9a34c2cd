"""Memory: how much a model will need, how much there is, and a refusal before it is too late.

Linux ends a process that takes more memory than there is, and with it the models that were ready.
So a model's size is read from the headers of its weight files, which needs no weight in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from lm_debugger.engine.files import is_mask
from lm_debugger.errors import LoadError

WORKING_BYTES = 300_000_000
"""For requests, their kept runs and the index, beside the weights of each model."""

BYTES_PER_NUMBER = {"float32": 4, "float16": 2, "bfloat16": 2}
_UNLIMITED = 2**60


def needed(n_parameters: int, dtype: str, device: str, stored_bytes: int | None) -> int:
    """Bytes that a model of so many parameters takes to load and to work.

    Counted is what the system cannot take back. A CPU works in fp32 on a packed copy of the weights
    (`engine.products`), which stays; those that were packed are mapped from their file, and may be
    dropped. Weights stored in half precision are converted, and so are in memory twice, to stay.
    What is used as it is stored may be dropped, too, but counts, as every answer reads it again.

    Args:
        stored_bytes: size of the weight files; None: not known.
    """
    weights = n_parameters * BYTES_PER_NUMBER[dtype]
    is_converted = stored_bytes is not None and stored_bytes < weights
    copies = 2 if device == "cpu" and dtype == "float32" and is_converted else 1
    return copies * weights + WORKING_BYTES


def count_parameters(files: list[Path]) -> int | None:
    """Numbers in the tensors of safetensors files; None where they cannot be read."""
    from safetensors import SafetensorError, safe_open

    count = 0
    try:
        for path in files:
            with safe_open(path, framework="numpy") as file:
                for key in file.keys():  # noqa: SIM118  # it is no dict
                    if not is_mask(key):
                        count += math.prod(file.get_slice(key).get_shape())
    except (OSError, SafetensorError, MemoryError):
        return None
    return count or None


def check(name: str, need: int, free: int | None, left: str = "{} MB are free") -> None:
    """
    Args:
        need, free: bytes; `free` None: not known, so nothing is refused.
        left: what `free` is, in words.

    Raises:
        LoadError: there is too little; it names both numbers and what can be done.
    """
    if free is None or need <= free:
        return
    raise LoadError(
        f"{name} needs about {_mb(need)} MB of memory, and {left.format(_mb(free))}. Give it more, "
        "serve it with --dtype bfloat16, or see the setting memory_limit_mb.",
        model=name,
        needed_mb=math.ceil(need / 1e6),
        free_mb=max(free, 0) // 10**6,
    )


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process may still take: of the machine, and within the limits of every
    control group (container) around it. None where the system does not tell.

    Args:
        root: of the file system that has `proc` and `sys`.
    """
    found = [_machine(root), *_control_groups(root)]
    return min((value for value in found if value is not None), default=None)


def free_on_gpu(device: str) -> int | None:
    """Bytes that a CUDA device has free; None for other devices."""
    import torch

    if not device.startswith("cuda"):
        return None
    free: int = torch.cuda.mem_get_info(torch.device(device))[0]
    return free


def _machine(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _control_groups(root: Path) -> Iterator[int | None]:
    """Of version 2 and version 1; each group up to the root, since any of them may be limited."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        else:
            continue
        # Inside a container the path may be the host's, and the container's own group is the top.
        folder = top / path.strip("/")
        while folder.is_relative_to(top):
            yield _free_in_group(folder, *names)
            folder = folder.parent


def _free_in_group(folder: Path, limit: str, usage: str, prefix: str) -> int | None:
    try:
        most = int((folder / limit).read_text())  # "max" is no number, and no limit
        if most >= _UNLIMITED:
            return None
        used = int((folder / usage).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        # Pages of files, read once or often: all are dropped before a process is ended.
        files = (stat.get(f"{prefix}{kind}_file", 0) for kind in ("inactive", "active"))
        return most - used + sum(map(int, files))
    except (OSError, ValueError):
        return None


def _mb(n_bytes: int) -> str:
    return f"{max(n_bytes, 0) / 1e6:,.0f}"
