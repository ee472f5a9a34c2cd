"""Two runs side by side, and single tokens through all states of a run: readings of states through
the lens (rule 4) that need whole distributions, not their top.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.engine.lens import Lens, softmax, top_k
from lm_debugger.engine.tracer import Pass
from lm_debugger.engine.types import (
    Followed,
    LayerComparison,
    PositionComparison,
    StateComparison,
    Token,
    TokenChange,
)
from lm_debugger.engine.vocabulary import Vocabulary

_ROWS = 64  # states of either run whose distributions are held at once


def compare(
    lens: Lens,
    vocabulary: Vocabulary,
    unedited: Pass,
    edited: Pass,
    positions: Sequence[int],
    k: int,
) -> tuple[PositionComparison, ...]:
    """Every state of both runs at `positions`, which both passes recorded, with K tokens of
    each."""
    with torch.inference_mode():
        plain, changed = (_states(done, positions) for done in (unedited, edited))
        blocks = zip(torch.split(plain, _ROWS), torch.split(changed, _ROWS), strict=True)
        states = [
            state for block in blocks for state in _compare_block(lens, vocabulary, *block, k=k)
        ]
    n_layers, n = unedited.states.shape[0], len(positions)

    def layer_comparison(layer: int, column: int) -> LayerComparison:
        return LayerComparison(
            layer=layer,
            before=states[(2 * layer) * n + column],
            after=states[(2 * layer + 1) * n + column],
        )

    return tuple(
        PositionComparison(
            position, tuple(layer_comparison(layer, column) for layer in range(n_layers))
        )
        for column, position in enumerate(positions)
    )


def follow(lens: Lens, done: Pass, position: int, tokens: Sequence[Token]) -> tuple[Followed, ...]:
    """Probability, logit and rank of some tokens in all 2 L states at one position."""
    ids = torch.tensor([token.id for token in tokens])
    with torch.inference_mode():
        blocks = torch.split(_states(done, [position]), _ROWS)
        parts = [_read(lens.logits(rows), ids) for rows in blocks]
        probs, logits, ranks = (torch.cat(part).T.tolist() for part in zip(*parts, strict=True))
    return tuple(
        Followed(token, tuple(probs[i]), tuple(logits[i]), tuple(ranks[i]))
        for i, token in enumerate(tokens)
    )


def _states(done: Pass, positions: Sequence[int]) -> Tensor:
    """[L, 2, P, D] at some of the recorded positions -> [L * 2 * P, D]."""
    columns = [done.positions.index(position) for position in positions]
    return done.states[:, :, columns].flatten(0, 2)


def _compare_block(
    lens: Lens, vocabulary: Vocabulary, plain: Tensor, changed: Tensor, *, k: int
) -> list[StateComparison]:
    """plain, changed: [S, D]."""
    before, after = lens.logits(plain), lens.logits(changed)  # [S, V]
    p, q = softmax(before), softmax(after)
    # In logarithms, so that a token of probability 0 adds nothing instead of NaN.
    ratio = torch.log_softmax(after, dim=-1) - torch.log_softmax(before, dim=-1)
    kl = (q * ratio).sum(dim=-1).clamp_min(0).tolist()
    candidates = torch.cat((top_k(p, k)[1], top_k(q, k)[1]), dim=1)  # [S, 2 K]
    found = []
    for row in range(len(p)):
        ids = torch.unique(candidates[row])  # ascending, so that ties stay by lower id
        order = q[row, ids].argsort(descending=True, stable=True)
        ids = ids[order]
        changes = zip(ids.tolist(), p[row, ids].tolist(), q[row, ids].tolist(), strict=True)
        tokens = tuple(TokenChange(vocabulary.token(id), a, b) for id, a, b in changes)
        found.append(StateComparison(kl[row], tokens))
    return found


def _read(logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """logits [S, V], ids [k] -> probabilities, logits, ranks, each [S, k], on the CPU."""
    ids = ids.to(logits.device)
    probs = softmax(logits)
    own = probs[:, ids]  # [S, k]
    every = torch.arange(probs.shape[1], device=probs.device)
    ranks = [
        1
        + (probs > own[:, i : i + 1]).sum(dim=1)
        + ((probs == own[:, i : i + 1]) & (every < ids[i])).sum(dim=1)
        for i in range(len(ids))
    ]
    return own.cpu(), logits[:, ids].cpu(), torch.stack(ranks, dim=1).cpu()
