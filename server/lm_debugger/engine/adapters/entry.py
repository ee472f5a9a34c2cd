"""How transformers enters a model's blocks, found by letting it: with which residual, masks,
positions and rotary angles. So the engine can walk through the blocks one by one, of whatever
architecture, without writing any of that itself.

A shadow of the backbone shares all of its parts but the blocks. In their place stand stubs that
note how they are called and hand the residual on; the model itself is never touched.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

Calls: TypeAlias = Sequence[tuple[tuple[Any, ...], dict[str, Any]]]
"""For each block the arguments after the residual."""


class Entry:
    """The beginning of one model's forward pass.

    Args:
        name: of the list of blocks in the backbone.
    """

    def __init__(self, backbone: nn.Module, name: str, blocks: Sequence[nn.Module]) -> None:
        self._notes = _Notes()
        self._shadow = copy.copy(backbone)
        stubs = nn.ModuleList([_Stub(block, self._notes) for block in blocks])
        self._shadow._modules = {**backbone._modules, name: stubs}
        self._latest: tuple[int, Calls] | None = None

    def enter(self, ids: Tensor) -> tuple[Tensor, Calls]:
        """See `Adapter.enter`. The tensors can be used with and without gradients."""
        rows, n_tokens = ids.shape
        known = self._latest is not None and self._latest[0] == n_tokens
        self._notes.begin(enough=1 if known else None)
        with torch.inference_mode(False), torch.no_grad(), suppress(_Enough):
            self._shadow(input_ids=ids, use_cache=False)
        noted = self._notes.taken
        if not known:
            calls = [(_one(args, rows), _one(kwargs, rows)) for _, args, kwargs in noted]
            self._latest = n_tokens, calls
        assert self._latest is not None
        return noted[0][0], self._latest[1]

    def calls(self, n_tokens: int, device: torch.device) -> Calls:
        """See `Adapter.calls`: those of the latest text, if it was as long."""
        if self._latest is None or self._latest[0] != n_tokens:
            self.enter(torch.zeros(1, n_tokens, dtype=torch.long, device=device))
        assert self._latest is not None
        return self._latest[1]


class _Enough(Exception):
    """What is wanted has been noted."""


class _Notes:
    """How stubs were called."""

    def begin(self, enough: int | None) -> None:
        self.taken: list[tuple[Tensor, tuple[Any, ...], dict[str, Any]]] = []
        self._enough = enough

    def take(self, x: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.taken.append((x, args, kwargs))
        if len(self.taken) == self._enough:
            raise _Enough


class _Stub(nn.Module):
    """Stands where a block was; what else is asked of it, the block answers."""

    def __init__(self, block: nn.Module, notes: _Notes) -> None:
        super().__init__()
        self.__dict__["_block"], self.__dict__["_notes"] = block, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_block"], name)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Note the call."""
        self.__dict__["_notes"].take(x, args, kwargs)
        return x


def _one(value: Any, rows: int) -> Any:
    """Masks and angles for one row, which holds for any number of them."""
    match value:
        case Tensor() if rows > 1 and value.dim() > 1 and value.shape[0] == rows:
            return value[:1]
        case tuple():
            return tuple(_one(each, rows) for each in value)
        case dict():
            return {key: _one(each, rows) for key, each in value.items()}
    return value
