"""One forward pass over the prompt -> a `Run`: rules 1 to 6.

The algorithm: (1) run the model under `hooks.attached`, which collects the 2·L residuals and L
coefficient vectors of P positions; (2) stack the residuals and read all of them through the lens at
once, one norm, one matrix product, one top-k; (3) rank the sub-updates of all layers at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.hooks import Recording, attached
from lm_debugger.engine.interventions import BOOST_MARGIN, LayerEdit, pre_activation
from lm_debugger.engine.lens import Lens, is_sound, top_k
from lm_debugger.engine.types import (
    AppliedIntervention,
    Intervention,
    LayerTrace,
    PositionTrace,
    Run,
    StateReading,
    SubUpdate,
    ValueId,
)
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import NonFiniteResult

_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Pass:
    """What one forward pass left behind, apart from any top-k.

    Attributes:
        positions: P indices into the prompt.
        states: [L, 2, P, D], before and after every FFN.
        coefficients: [L, P, F], fp32.
    """

    positions: tuple[int, ...]
    states: Tensor
    coefficients: Tensor


class Tracer:
    """Runs one model over prompts and reads what happened. Not thread-safe: see `gate.Gate`."""

    def __init__(self, adapter: Adapter, lens: Lens, vocabulary: Vocabulary) -> None:
        self._adapter = adapter
        self._lens = lens
        self._vocabulary = vocabulary
        self._device = adapter.unembedding.device
        with torch.inference_mode():
            self.norms = torch.stack(
                [adapter.value_matrix(l).float().norm(dim=1) for l in range(adapter.n_layers)]
            )  # [L, F], ||v_i||_2 (rule 6)

    def forward(
        self, ids: Sequence[int], positions: Sequence[int], edits: Mapping[int, LayerEdit]
    ) -> Pass:
        """Run the prompt [T] once, record P positions (rules 1 to 3)."""
        with torch.inference_mode():
            tokens = torch.tensor([ids], device=self._device)
            recording = Recording(positions, self._device)
            with attached(self._adapter.blocks, edits=edits, recording=recording):
                self._adapter.backbone(
                    input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False
                )
            coefficients = torch.stack(recording.coefficients).float()
            return Pass(tuple(positions), recording.states(), coefficients)

    def scores(self, coefficients: Tensor) -> Tensor:
        """|m_i| · ||v_i||_2: [L, P, F] -> [L, P, F] (rule 6)."""
        return coefficients.abs() * self.norms.unsqueeze(1)

    def boosts(self, unedited: Pass) -> tuple[float, ...]:
        """c of every layer, [L]: its largest score at the pass's last position + 0.01 (rule 9)."""
        with torch.inference_mode():
            largest = self.scores(unedited.coefficients)[:, -1].amax(dim=-1)
            return tuple((largest + BOOST_MARGIN).tolist())

    def read(self, done: Pass, positions: Sequence[int], k: int) -> Run:
        """Rank tokens and sub-updates at `positions`, which the pass recorded (rules 4 to 6).

        Raises:
            NonFiniteResult: a state or a score cannot be held.
        """
        columns = [done.positions.index(p) for p in positions]
        with torch.inference_mode():
            states = done.states[:, :, columns]  # [L, 2, P, D]
            probs, ids, entropies = self._lens.read(states.flatten(0, 2), k)
            coefficients = done.coefficients[:, columns]  # [L, P, F]
            every = self.scores(coefficients).flatten(0, 1)  # [L*P, F]
            scores, dims = top_k(every, k)  # [L*P, K]
            shares = (scores.sum(dim=-1) / every.sum(dim=-1).clamp_min(_TINY)).tolist()
            chosen = coefficients.flatten(0, 1).gather(1, dims)
            self._check_sound(is_sound(states).cpu(), scores)
        readings = self._readings(probs, ids, entropies)
        updates = list(zip(scores.tolist(), dims.tolist(), chosen.tolist(), strict=True))
        n = len(positions)

        def layer_trace(layer: int, column: int) -> LayerTrace:
            return LayerTrace(
                layer=layer,
                before=readings[(2 * layer) * n + column],
                sub_updates=tuple(
                    SubUpdate(ValueId(layer, dim), coefficient, score)
                    for score, dim, coefficient in zip(*updates[layer * n + column], strict=True)
                ),
                after=readings[(2 * layer + 1) * n + column],
                share=shares[layer * n + column],
            )

        layers = range(self._adapter.n_layers)
        return Run(
            tuple(
                PositionTrace(position, tuple(layer_trace(layer, column) for layer in layers))
                for column, position in enumerate(positions)
            )
        )

    def _readings(self, probs: Tensor, ids: Tensor, entropies: Tensor) -> list[StateReading]:
        rows = zip(ids.tolist(), probs.tolist(), entropies.tolist(), strict=True)
        return [
            StateReading(self._vocabulary.probs(row_ids, row_probs), entropy)
            for row_ids, row_probs, entropy in rows
        ]

    def _check_sound(self, states: Tensor, scores: Tensor) -> None:
        """states [L, 2, P], bool; scores [L * P, K]."""
        n_layers = self._adapter.n_layers
        sound = states.reshape(n_layers, -1).all(dim=1)
        sound &= scores.isfinite().cpu().reshape(n_layers, -1).all(dim=1)
        if not sound.all():
            raise overflow(f"in layer {int((~sound).nonzero()[0])}")


def overflow(where: str) -> NonFiniteResult:
    """The error for numbers that fp32, or the model's own format, cannot hold."""
    return NonFiniteResult(
        f"The model's numbers overflow {where}. If interventions set, scale or add, use smaller "
        "values; if there are none, its weights are damaged or its dtype is too narrow.",
    )


def applied(
    interventions: Sequence[Intervention],
    position: int,
    unedited: Pass,
    edited: Pass,
    boosts: Sequence[float],
) -> tuple[AppliedIntervention, ...]:
    """How each intervention took effect at a position that both passes recorded."""

    def coefficient(done: Pass, item: Intervention) -> float:
        return float(done.coefficients[item.layer, done.positions.index(position), item.dim])

    return tuple(
        AppliedIntervention(
            intervention=item,
            unedited_coefficient=coefficient(unedited, item),
            edited_coefficient=coefficient(edited, item),
            pre_activation=pre_activation(item, boosts),
        )
        for item in interventions
    )
