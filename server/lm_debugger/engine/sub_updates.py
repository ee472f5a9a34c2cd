"""All sub-updates of one layer, as many as are wanted: what each pushes up and down, its share of
the layer's scores (rule 6), and its direct effect on a token (rule 16).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.attribution import frozen_direction
from lm_debugger.engine.lens import Lens, top_k
from lm_debugger.engine.passes import Runner
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import SubUpdate, SubUpdateDetail, Token, ValueId
from lm_debugger.engine.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Selection:
    """Which sub-updates are listed, and what is said of each.

    Attributes:
        layer, position: whose they are.
        k: K, how many; the first by `sort`, ties by lower dimension.
        tokens: none, A, or A and B: the effect is on logit A, or on logit A minus logit B.
        sort: by "effect" needs a token.
        n_tokens: how many tokens are listed that a sub-update pushes up, and down.
    """

    layer: int
    position: int
    k: int
    tokens: Sequence[Token]
    sort: Literal["score", "effect"]
    n_tokens: int


def sub_updates(
    adapter: Adapter,
    runner: Runner,
    lens: Lens,
    vocabulary: Vocabulary,
    chosen: Selection,
    *,
    unedited: Recording,
    done: Recording,
) -> tuple[SubUpdateDetail, ...]:
    """The K sub-updates of a selection.

    Args:
        done: the run that is read, `unedited` the one without interventions; both recorded the
            position.
    """
    layer, tokens = chosen.layer, chosen.tokens
    with torch.inference_mode():
        column = done.positions.index(chosen.position)
        coefficients = done[Site.COEFFICIENTS][layer, column]  # [F]
        written = runner.written(done, [chosen.position])[layer, 0]  # [F]
        scores = written.abs() * runner.norms[layer]
        values = adapter.value_directions(layer).float()  # [F, D]
        effects = None
        if tokens:
            final = done.final(chosen.position).float()
            direction, _ = frozen_direction(adapter, final, tokens)
            effects = written * (values @ direction)  # [F]
        key = scores if chosen.sort == "score" or effects is None else effects.abs()
        dims = top_k(key.unsqueeze(0), chosen.k)[1][0]  # [K]
        logits = lens.unembed(written[dims].unsqueeze(1) * values[dims])  # [K, V]
        ends = [top_k(logits, chosen.n_tokens), top_k(-logits, chosen.n_tokens)]
        before = unedited[Site.COEFFICIENTS][layer, unedited.positions.index(chosen.position)]
        columns = zip(
            dims.tolist(),
            coefficients[dims].tolist(),
            before[dims].tolist(),
            scores[dims].tolist(),
            (scores[dims] / scores.sum().clamp_min(torch.finfo(scores.dtype).tiny)).tolist(),
            [None] * len(dims) if effects is None else effects[dims].tolist(),
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
