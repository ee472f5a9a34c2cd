"""Checkpoints: all tensors of a run in one safetensors file, its counters in a JSON beside it.

There is no random state to save: nothing in training is random but the order of the text, and that
follows from the seed and the position (see `data.Windows`).
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

KEPT = 2


def save(folder: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write one checkpoint, named by the tokens seen; it is there whole or not at all.

    The newest two stay, and the newest that was taken before the learning rate began to fall: from
    that one a run with a larger budget goes on.
    """
    target = folder / f"{state['tokens']:012d}"
    if target.exists():
        return target
    temporary = folder / f"unfinished-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()},
              temporary / "state.safetensors")  # fmt: skip
    (temporary / "state.json").write_text(json.dumps(state, indent=1))
    os.replace(temporary, target)
    paths = found(folder)
    stable = [path for path in paths if not read_state(path)["decayed"]]
    for path in set(paths) - {*paths[-KEPT:], *stable[-1:]}:
        shutil.rmtree(path)
    return target


def found(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if (path / "state.json").exists())


def read_state(path: Path) -> dict[str, Any]:
    """The counters of a checkpoint."""
    state: dict[str, Any] = json.loads((path / "state.json").read_text())
    return state


def latest(folder: Path, total: int, decay: float) -> Path | None:
    """The checkpoint from which a run with this budget goes on: the newest, but none in which the
    learning rate had begun to fall towards the end of another budget."""
    for path in reversed(found(folder)):
        state = read_state(path)
        if not state["decayed"] or (state["total"], state["decay"]) == (total, decay):
            return path
    return None


def tensors_of(
    model: nn.Module, optimisers: tuple[torch.optim.Optimizer, ...]
) -> dict[str, Tensor]:
    """Parameters under "model.", optimiser states under "<class>.<state>."."""
    tensors: dict[str, Tensor] = {f"model.{name}": p for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(p, {}).items():
                tensors[f"{type(optimiser).__name__}.{key}.{name}"] = value
    return tensors


def restore(
    path: Path, model: nn.Module, optimisers: tuple[torch.optim.Optimizer, ...] = ()
) -> dict[str, Any]:
    """Put a checkpoint into a model and optimisers of the same shape; returns its counters.

    Raises:
        RuntimeError: the checkpoint is of a model of another shape.
    """
    tensors = load_file(path / "state.safetensors")
    weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    model.load_state_dict(weights)
    named = dict(model.named_parameters())
    for optimiser in optimisers:
        prefix = type(optimiser).__name__ + "."
        for key, value in tensors.items():
            if key.startswith(prefix):
                part, name = key.removeprefix(prefix).split(".", 1)
                # AdamW's fused step wants its counter beside the weight
                optimiser.state[named[name]][part] = value.to(named[name].device)
    return read_state(path)
