"""What transformers raises while it reads a checkpoint, as one sentence."""

from __future__ import annotations

from typing import Any

import torch

from lm_debugger.errors import DebuggerError, InvalidCheckpoint, LoadError


class explained:
    """Turns what transformers raises while it reads a checkpoint into one sentence.

    Args:
        what: of the checkpoint is being read; empty where it may be several of its files.
    """

    def __init__(self, name: str, what: str = "") -> None:
        self._name = name
        self._what = f"the {what} of {name}" if what else name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        match error:
            case None | DebuggerError():
                return
            case MemoryError() | torch.OutOfMemoryError():
                raise LoadError(
                    f"There is not enough memory for {self._name}: {first_line(error)}",
                    model=self._name,
                ) from error
            case Exception():  # what a config or weights that make no sense lead to is open-ended
                raise InvalidCheckpoint(
                    f"transformers cannot read {self._what}: {first_line(error)}",
                    model=self._name,
                ) from error


def first_line(error: BaseException) -> str:
    """What an exception says, as far as a sentence can hold it: its first line, with the next one
    where that is only announced."""
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
