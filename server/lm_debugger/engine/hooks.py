"""The only file that registers hooks, inside a context manager: whatever raises, the model is as
before.

`attached` listens at the three taps of every block (see `adapters.base.Block`) and writes edits
into the coefficients. One path serves reading and editing, so an edited run is read exactly like an
unedited one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lm_debugger.engine.adapters import Block
from lm_debugger.engine.interventions import LayerEdit


class Recording:
    """What one forward pass showed at P positions; filled while hooks are attached.

    Attributes:
        positions: [P], indices into the prompt.
        before: L tensors [P, D], residual before each FFN (rule 3).
        update: L tensors [P, D], FFN output, bias included.
        coefficients: L tensors [P, F], m after any edit (rule 6).
    """

    def __init__(self, positions: Sequence[int], device: torch.device) -> None:
        self.positions = torch.tensor(positions, device=device)
        self.before: list[Tensor] = []
        self.update: list[Tensor] = []
        self.coefficients: list[Tensor] = []

    def states(self) -> Tensor:
        """All residual states [L, 2, P, D]: before_l and after_l = before_l + FFN_l (rule 3)."""
        before = torch.stack(self.before)
        return torch.stack((before, before + torch.stack(self.update)), dim=1)

    def pick(self, activations: Tensor) -> Tensor:
        """[1, T, *] -> [P, *]."""
        return activations[0].index_select(0, self.positions)


@contextmanager
def attached(
    blocks: Sequence[Block],
    *,
    edits: Mapping[int, LayerEdit] | None = None,
    recording: Recording | None = None,
    start: int = 0,
) -> Iterator[None]:
    """Attach hooks for the duration of a `with`.

    Args:
        blocks: of the model that is about to run, with batch size 1.
        edits: by layer; see `interventions.merge`.
        recording: filled in layer order; its positions count from the first token of the pass.
        start: position of the pass's first token (> 0 when a KV cache holds the tokens before it).
    """
    handles: list[Any] = []
    try:
        for layer, block in enumerate(blocks):
            edit = edits.get(layer) if edits else None
            if edit is not None or recording is not None:
                hook = _coefficients_hook(edit, recording, start)
                handles.append(block.value_projection.register_forward_pre_hook(hook))
            if recording is not None:
                handles.append(block.ffn_norm.register_forward_pre_hook(_before_hook(recording)))
                handles.append(block.ffn.register_forward_hook(_update_hook(recording)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _coefficients_hook(
    edit: LayerEdit | None, recording: Recording | None, start: int
) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...] | None]:
    def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        m = args[0]
        if edit is not None:
            m = edit.apply(m, start)
        if recording is not None:
            recording.coefficients.append(recording.pick(m))
        return None if edit is None else (m, *args[1:])

    return hook


def _before_hook(recording: Recording) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        recording.before.append(recording.pick(args[0]))

    return hook


def _update_hook(
    recording: Recording,
) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(_module: nn.Module, _args: tuple[Tensor, ...], output: Tensor) -> None:
        recording.update.append(recording.pick(output))

    return hook
