"""Single tokens through all states of a run, read through the lens (rule 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.engine.lens import Distributions, Lens
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.types import Followed, Token


def follow(
    lens: Lens, done: Recording, position: int, tokens: Sequence[Token]
) -> tuple[Followed, ...]:
    """Probability, logit and rank of some tokens in all 2 L states at one position."""
    ids = torch.tensor([token.id for token in tokens])
    with torch.inference_mode():
        blocks = lens.blocks(done.states([position]).flatten(0, 2))
        parts = [_read(lens.distributions(rows), ids) for rows in blocks]
        probs, logits, ranks = (torch.cat(part).T.tolist() for part in zip(*parts, strict=True))
    return tuple(
        Followed(token, tuple(probs[i]), tuple(logits[i]), tuple(ranks[i]))
        for i, token in enumerate(tokens)
    )


def _read(found: Distributions, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of S states and token ids [k]: probabilities, logits, ranks, each [S, k], on the CPU."""
    logits = found.logits
    ids = ids.to(logits.device)
    own = logits[:, ids]  # [S, k]
    every = torch.arange(logits.shape[1], device=logits.device)
    ranks = [
        1
        + (logits > own[:, i : i + 1]).sum(dim=1)
        + ((logits == own[:, i : i + 1]) & (every < ids[i])).sum(dim=1)
        for i in range(len(ids))
    ]
    return found.at(own).cpu(), own.cpu(), torch.stack(ranks, dim=1).cpu()
