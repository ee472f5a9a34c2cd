"""Single tokens through all 2 L states of a run at one position, read through the lens (rule 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Self

from lm_debugger.engine import weight
from lm_debugger.engine.questions.base import Answer, AtOnePosition, Prompt, Runs
from lm_debugger.engine.readings import OF_STATES, Reading
from lm_debugger.engine.tokens import Token

if TYPE_CHECKING:
    from torch import Tensor

    from lm_debugger.engine.kept import Kept
    from lm_debugger.engine.lens import Distributions
    from lm_debugger.engine.model import Model


@dataclass(frozen=True, slots=True)
class Followed:
    """One token through one run: [2 L] numbers in the order before 0, after 0, before 1, ..."""

    token: Token
    probs: tuple[float, ...]
    logits: Annotated[tuple[float, ...], "those of the lens"]
    ranks: Annotated[tuple[int, ...], "1: the likeliest, ties by lower id"]


@dataclass(frozen=True, slots=True)
class Following(Answer):
    """Some tokens through all states at one position."""

    model: str
    position: int
    unedited: tuple[Followed, ...]
    edited: Annotated[tuple[Followed, ...] | None, "null without interventions"]
    reading: Annotated[Reading, "how the states are read"] = OF_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(AtOnePosition[Following]):
    """How likely are some tokens in every state?"""

    tokens: Annotated[tuple[int, ...], "ids of the tokens to follow"]

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidInput."""
        ids = model.token_ids(self.tokens, most=model.limits.max_top_k)
        return AtOnePosition.checked(replace(self, tokens=ids), model, prompt)

    def weight(self, shape: weight.Shape) -> int:
        """Some tokens in one run or two."""
        token = weight.TOKEN + 3 * weight.NUMBER * 2 * shape.n_layers
        return (2 if self.interventions else 1) * len(self.tokens) * token

    def answer(self, model: Model, runs: Runs) -> Following:
        """Of states [2 L, D]."""
        unedited = edited = self._through(model, runs.unedited)
        if runs.edited is not runs.unedited:
            edited = self._through(model, runs.edited)
        return Following(
            model.name, self.position, unedited, edited if self.interventions else None
        )

    def _through(self, model: Model, run: Kept) -> tuple[Followed, ...]:
        """The tokens in all states of one run."""
        import torch

        lens = model.lens
        states = model.states(run, self.columns).flatten(0, 2)
        ids = torch.tensor(self.tokens, device=states.device)
        parts = [_read(lens.distributions(rows), ids) for rows in lens.blocks(states)]
        probs, logits, ranks = (torch.cat(part).T.tolist() for part in zip(*parts, strict=True))
        return tuple(
            Followed(token, tuple(probs[i]), tuple(logits[i]), tuple(ranks[i]))
            for i, token in enumerate(model.tokens(self.tokens))
        )


def _read(found: Distributions, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of S states and token ids [k]: probabilities, logits, ranks, each [S, k]."""
    import torch

    logits = found.logits
    own = logits[:, ids]  # [S, k]
    every = torch.arange(logits.shape[1], device=logits.device)
    ranks = [
        1
        + (logits > own[:, i : i + 1]).sum(dim=1)
        + ((logits == own[:, i : i + 1]) & (every < ids[i])).sum(dim=1)
        for i in range(len(ids))
    ]
    return found.at(own), own, torch.stack(ranks, dim=1)
