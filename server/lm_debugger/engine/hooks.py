"""The only file that registers hooks, inside a context manager: whatever raises, the model is as
before.

`attached` listens at the three taps of every block (see `adapters.base.Block`) and writes edits
into the coefficients, row by row of a batch. One path serves reading and editing, so an edited run
is read exactly like an unedited one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lm_debugger.engine.adapters import Block
from lm_debugger.engine.interventions import LayerEdit
from lm_debugger.engine.soundness import is_sound


@dataclass(slots=True)
class Tap:
    """One row of a batch: what is written into it, and what it showed at P positions.

    Attributes:
        positions: [P], indices into the pass.
        edits: by layer; see `interventions.merge`.
        boost: act(c) of a layer for edits that still need it (rule 9), once the layer has run.
        length: of the text, in tokens; what comes after it is padding. None: there is none.
        before: residual before each FFN, a [P, D] per layer that ran (rule 3).
        update: FFN outputs, bias included, [P, D] each.
        coefficients: m after any edit, [P, F] each (rule 6).
        sound: of every layer that ran, whether its states can be held, at whatever position.
    """

    positions: Tensor
    edits: Mapping[int, LayerEdit] = field(default_factory=dict)
    boost: Callable[[int, Tensor], float] | None = None
    length: int | None = None
    before: list[Tensor] = field(default_factory=list)
    update: list[Tensor] = field(default_factory=list)
    coefficients: list[Tensor] = field(default_factory=list)
    sound: list[Tensor] = field(default_factory=list)
    _every: Tensor | None = None

    def saw_before(self, states: Tensor) -> None:
        """Residuals [t, D] before an FFN."""
        self._every = states[: self.length]
        self.before.append(states.index_select(0, self.positions))

    def saw_update(self, update: Tensor) -> None:
        """What the FFN adds to them, [t, D]."""
        before, self._every = self._every, None
        assert before is not None
        sound = is_sound(before) & is_sound(before + update[: self.length])
        self.sound.append(sound.all())
        self.update.append(update.index_select(0, self.positions))

    def states(self) -> Tensor:
        """All residual states [L, 2, P, D]: before_l and after_l = before_l + FFN_l (rule 3)."""
        before = torch.stack(self.before)
        return torch.stack((before, before + torch.stack(self.update)), dim=1)


@contextmanager
def attached(blocks: Sequence[Block], taps: Sequence[Tap], start: int = 0) -> Iterator[None]:
    """Attach hooks for the duration of a `with`.

    Args:
        blocks: of the model that is about to run.
        taps: one per row of the batch; rows may be added between blocks.
        start: position of the pass's first token (> 0 when a KV cache holds the tokens before it).
    """
    handles: list[Any] = []
    try:
        for layer, block in enumerate(blocks):
            hook = _coefficients_hook(layer, taps, start)
            handles.append(block.value_projection.register_forward_pre_hook(hook))
            handles.append(block.ffn_norm.register_forward_pre_hook(_before_hook(taps)))
            handles.append(block.ffn.register_forward_hook(_update_hook(taps)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _coefficients_hook(
    layer: int, taps: Sequence[Tap], start: int
) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...] | None]:
    def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        unedited = m = args[0]  # [B, t, F]
        for row, tap in enumerate(taps):
            edit = tap.edits.get(layer)
            if edit is not None:
                if m is unedited:
                    m = unedited.clone()
                if edit.boosted is not None:
                    assert tap.boost is not None
                    edit = edit.with_boost(tap.boost(layer, unedited))
                edit.write(m[row, : tap.length], start)  # what is padded stays small
            tap.coefficients.append(m[row].index_select(0, tap.positions))
        return None if m is unedited else (m, *args[1:])

    return hook


def _before_hook(taps: Sequence[Tap]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        for row, tap in enumerate(taps):
            tap.saw_before(args[0][row])

    return hook


def _update_hook(
    taps: Sequence[Tap],
) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(_module: nn.Module, _args: tuple[Tensor, ...], output: Tensor) -> None:
        for row, tap in enumerate(taps):
            tap.saw_update(output[row])

    return hook
