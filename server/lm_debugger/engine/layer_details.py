"""All sub-updates of one layer, as many as are wanted: what each pushes up and down, its share of
the layer's scores (rule 6), and its direct effect on a token (rule 16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.attribution import frozen_direction
from lm_debugger.engine.lens import Lens, top_k
from lm_debugger.engine.tracer import Pass, Tracer
from lm_debugger.engine.types import SubUpdate, SubUpdateDetail, Token, ValueId
from lm_debugger.engine.vocabulary import Vocabulary


def sub_updates(
    adapter: Adapter,
    tracer: Tracer,
    lens: Lens,
    vocabulary: Vocabulary,
    unedited: Pass,
    done: Pass,
    at: tuple[int, int],
    tokens: Sequence[Token],
    sort: Literal["score", "effect"],
    k: int,
    n_tokens: int,
) -> tuple[SubUpdateDetail, ...]:
    """The K first sub-updates of one layer at one position, ties by lower dimension.

    Args:
        done: the run that is read, `unedited` the one without interventions; both recorded the
            position.
        at: layer and position.
        tokens: none, A, or A and B: the effect is on logit A, or on logit A minus logit B.
        sort: by "effect" needs a token.
        n_tokens: how many tokens are listed that a sub-update pushes up, and down.
    """
    layer, position = at
    with torch.inference_mode():
        column = done.positions.index(position)
        coefficients = done.coefficients[layer, column]  # [F]
        scores = coefficients.abs() * tracer.norms[layer]
        values = adapter.value_matrix(layer).float()  # [F, D]
        effects = None
        if tokens:
            final = done.states[-1, 1, column].float()
            direction, _ = frozen_direction(adapter, final, tokens)
            effects = coefficients * (values @ direction)  # [F]
        key = scores if sort == "score" or effects is None else effects.abs()
        chosen = top_k(key.unsqueeze(0), k)[1][0]  # [K]
        logits = lens.unembed(coefficients[chosen].unsqueeze(1) * values[chosen])  # [K, V]
        ends = [top_k(logits, n_tokens), top_k(-logits, n_tokens)]
        before = unedited.coefficients[layer, unedited.positions.index(position)]
        columns = zip(
            chosen.tolist(),
            coefficients[chosen].tolist(),
            before[chosen].tolist(),
            scores[chosen].tolist(),
            (scores[chosen] / scores.sum().clamp_min(torch.finfo(scores.dtype).tiny)).tolist(),
            [None] * len(chosen) if effects is None else effects[chosen].tolist(),
            *(end.tolist() for pair in ends for end in pair),
            strict=True,
        )
    return tuple(
        SubUpdateDetail(
            sub_update=SubUpdate(ValueId(layer, dim), coefficient, score),
            unedited_coefficient=plain,
            share=share,
            effect=effect,
            up=vocabulary.logits(up_ids, up),
            down=vocabulary.logits(down_ids, [-x for x in down]),
        )
        for dim, coefficient, plain, score, share, effect, up, up_ids, down, down_ids in columns
    )
