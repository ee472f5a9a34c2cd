"""Passes -> what people see: tokens and sub-updates of every layer (rules 4 to 6), and both runs
side by side. Layers that were read before are not read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lm_debugger.engine.interventions import pre_activation
from lm_debugger.engine.kept import Asked, Kept
from lm_debugger.engine.lens import Lens, is_sound, softmax, top_k
from lm_debugger.engine.tracer import Pass, Tracer, overflow
from lm_debugger.engine.types import (
    AppliedIntervention,
    Intervention,
    LayerComparison,
    LayerTrace,
    PositionComparison,
    PositionTrace,
    Run,
    StateComparison,
    StateReading,
    SubUpdate,
    TokenChange,
    ValueId,
)
from lm_debugger.engine.vocabulary import Vocabulary

_TINY = torch.finfo(torch.float32).tiny


class Reader:
    """Reads the runs of one model."""

    def __init__(self, tracer: Tracer, lens: Lens, vocabulary: Vocabulary) -> None:
        self._tracer = tracer
        self._lens = lens
        self._vocabulary = vocabulary

    def run(self, kept: Kept, positions: tuple[int, ...], k: int) -> Run:
        """Rank tokens and sub-updates at `positions`, which the run recorded (rules 4 to 6).

        Raises:
            NonFiniteResult: a state or a score cannot be held.
        """
        columns = self._layers(kept, (positions, k))
        pairs = zip(positions, columns, strict=True)
        return Run(tuple(PositionTrace(position, tuple(layers)) for position, layers in pairs))

    def compare(
        self, plain: Kept, changed: Kept, positions: tuple[int, ...], k: int
    ) -> tuple[PositionComparison, ...]:
        """Both runs at `positions`, of which `run` has read both with the same K."""
        asked = (positions, k)
        columns = changed.comparisons.setdefault(asked, [[] for _ in positions])
        start = len(columns[0])
        n_layers = len(changed.readings[asked][0])
        same = min(changed.edits, default=n_layers)  # layers that no edit has reached
        for layer in range(start, same):
            for compared, known in zip(columns, plain.readings[asked], strict=True):
                compared.append(_unchanged(known[layer]))
        start = max(start, same)
        if start < n_layers:
            states = self._compared(plain, changed, asked, start)
            for layer in range(start, n_layers):
                for column in columns:
                    before, after = next(states), next(states)
                    column.append(LayerComparison(layer, before, after))
        pairs = zip(positions, columns, strict=True)
        return tuple(PositionComparison(position, tuple(layers)) for position, layers in pairs)

    # --- one run ---------------------------------------------------------------------------------

    def _layers(self, kept: Kept, asked: Asked) -> list[list[LayerTrace]]:
        """Per position, all L layers."""
        positions, k = asked
        found = kept.readings.setdefault(asked, [[] for _ in positions])
        n_layers, start = len(kept.done.inputs), len(found[0])
        if start == n_layers:
            return found
        done = kept.done
        columns = [done.positions.index(position) for position in positions]
        with torch.inference_mode():
            states = done.states[start:, :, columns].transpose(1, 2)  # [l, P, 2, D]
            coefficients = done.coefficients[start:, columns]  # [l, P, F]
            every = (coefficients.abs() * self._tracer.norms[start:].unsqueeze(1)).flatten(0, 1)
            scores, dims = top_k(every, k)  # [l P, K]
            shares = (scores.sum(dim=-1) / every.sum(dim=-1).clamp_min(_TINY)).tolist()
            chosen = coefficients.flatten(0, 1).gather(1, dims)
            _check_sound(states, scores, start)
            readings = self._readings(kept, states.flatten(0, 2), asked)
        updates = zip(scores.tolist(), dims.tolist(), chosen.tolist(), shares, strict=True)
        fresh: list[list[LayerTrace]] = [[] for _ in positions]
        for number, (row_scores, row_dims, row_chosen, share) in enumerate(updates):
            layer, column = divmod(number, len(positions))
            entries = zip(row_dims, row_chosen, row_scores, strict=True)
            fresh[column].append(
                LayerTrace(
                    layer=start + layer,
                    before=readings[2 * number],
                    sub_updates=tuple(
                        SubUpdate(ValueId(start + layer, dim), coefficient, score)
                        for dim, coefficient, score in entries
                    ),
                    after=readings[2 * number + 1],
                    share=share,
                )
            )
        for column, layers in enumerate(fresh):
            found[column][start:] = layers
        return found

    def _readings(self, kept: Kept, states: Tensor, asked: Asked) -> list[StateReading]:
        """states: [S, D], in the order of positions and layers."""
        # Edited runs are compared with the unedited one again and again, at one position mostly.
        keep_logits = not kept.edits and len(asked[0]) == 1
        found: list[StateReading] = []
        blocks: list[Tensor] = []
        for rows in self._lens.blocks(states):
            logits = self._lens.logits(rows)
            probs = softmax(logits)
            entropies = torch.special.entr(probs).sum(dim=-1).tolist()
            values, ids = top_k(probs, asked[1])
            if keep_logits:
                blocks.append(logits)
            tops = zip(ids.tolist(), values.tolist(), entropies, strict=True)
            found += [
                StateReading(self._vocabulary.probs(row_ids, row_probs), entropy)
                for row_ids, row_probs, entropy in tops
            ]
        if blocks:
            kept.logits = asked[0], torch.cat(blocks) if len(blocks) > 1 else blocks[0]
        return found

    # --- two runs --------------------------------------------------------------------------------

    def _compared(
        self, plain: Kept, changed: Kept, asked: Asked, start: int
    ) -> Iterator[StateComparison]:
        """A `StateComparison` per state from layer `start` on, by layer, position, before/after."""
        positions, _ = asked
        likeliest = [_candidates(kept.readings[asked], start) for kept in (plain, changed)]
        candidates = [[*dict.fromkeys(a + b)] for a, b in zip(*likeliest, strict=True)]
        rows = [_rows(kept.done, positions, start) for kept in (plain, changed)]
        known = None
        if plain.logits and plain.logits[0] == positions:
            known = plain.logits[1][2 * start :]
        with torch.inference_mode():
            for block in self._lens.blocks(torch.arange(len(rows[0]))):
                part = slice(int(block[0]), int(block[-1]) + 1)
                before = self._lens.logits(rows[0][part]) if known is None else known[part]
                after = self._lens.logits(rows[1][part])
                yield from self._compare_block(before, after, candidates[part])

    def _compare_block(
        self, before: Tensor, after: Tensor, candidates: list[list[int]]
    ) -> list[StateComparison]:
        """Logits of both runs, [S, V] each."""
        p, q = softmax(before), softmax(after)
        # In logarithms, so that a token of probability 0 adds nothing instead of NaN.
        ratio = torch.log_softmax(after, dim=-1) - torch.log_softmax(before, dim=-1)
        divergences = (q * ratio).sum(dim=-1).clamp_min(0).tolist()
        found = []
        for row, (kl, ids) in enumerate(zip(divergences, candidates, strict=True)):
            chosen = torch.tensor(ids, device=p.device)
            entries = zip(ids, p[row, chosen].tolist(), q[row, chosen].tolist(), strict=True)
            ranked = sorted(entries, key=lambda entry: (-entry[2], entry[0]))
            changes = (TokenChange(self._vocabulary.token(id), a, b) for id, a, b in ranked)
            found.append(StateComparison(kl, tuple(changes)))
        return found


def _rows(done: Pass, positions: Sequence[int], start: int) -> Tensor:
    """[L, 2, P, D] from a layer on -> [S, D], by layer, position, before and after."""
    columns = [done.positions.index(position) for position in positions]
    return done.states[start:, :, columns].transpose(1, 2).flatten(0, 2)


def _candidates(columns: list[list[LayerTrace]], start: int) -> list[list[int]]:
    """Ids of the tokens that were read, per state, in the order of `_rows`."""
    return [
        [item.token.id for item in state.top]
        for layers in zip(*(column[start:] for column in columns), strict=True)
        for layer in layers
        for state in (layer.before, layer.after)
    ]


def _unchanged(layer: LayerTrace) -> LayerComparison:
    """A layer that no edit has reached."""
    states = (
        StateComparison(0.0, tuple(TokenChange(top.token, top.prob, top.prob) for top in state.top))
        for state in (layer.before, layer.after)
    )
    return LayerComparison(layer.layer, *states)


def _check_sound(states: Tensor, scores: Tensor, start: int) -> None:
    """states [l, P, 2, D]; scores [l P, K].

    Raises:
        NonFiniteResult: naming the first layer that cannot be held.
    """
    sound = is_sound(states).flatten(1).all(dim=1).cpu()
    sound &= scores.isfinite().cpu().reshape(len(states), -1).all(dim=1)
    if not sound.all():
        raise overflow(f"in layer {start + int((~sound).nonzero()[0])}")


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
