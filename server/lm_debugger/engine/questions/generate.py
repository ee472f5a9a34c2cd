"""A continuation of the prompt, token by token, with its interventions in force (rule 14). How it
is made is `generation`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeAlias

from lm_debugger.engine import weight
from lm_debugger.engine.asked import GREEDY, Sampling
from lm_debugger.engine.checks import check_range
from lm_debugger.engine.given import shown
from lm_debugger.engine.questions.base import AboutPrompt, Answer, Prompt
from lm_debugger.engine.readings import OF_STATES, Reading
from lm_debugger.engine.tokens import Token, TokenProb
from lm_debugger.errors import InvalidInput

if TYPE_CHECKING:
    from lm_debugger.engine.generation import GenerationStream
    from lm_debugger.engine.model import Model

FinishReason: TypeAlias = Literal["length", "end_of_text", "context_full", "stopped"]


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """One generated token."""

    index: int
    token: Token
    prob: Annotated[float, "the (edited) model's own probability, before any temperature"]
    alternatives: Annotated[
        tuple[TokenProb, ...],
        "the likeliest tokens at that step, the chosen one among them if it is so likely",
    ]


@dataclass(frozen=True, slots=True)
class Generation(Answer):
    """A continuation. The end-of-text token, where it ended the run, is not among the steps."""

    model: str
    prompt: str
    text: Annotated[str, "prompt + continuation, special tokens left out (rule 14)"]
    steps: tuple[GenerationStep, ...]
    finish_reason: FinishReason
    reading: Annotated[Reading, "how the alternatives are read: of the final state"] = OF_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(AboutPrompt[Generation]):
    """How does the prompt go on?"""

    needs_turn: ClassVar[bool] = False  # it takes one for every token

    max_new_tokens: Annotated[int, "at most so many tokens are added"] = 10
    sampling: Annotated[Sampling, "default: greedy"] = GREEDY
    alternatives: Annotated[int, "likeliest tokens listed with every step"] = 5

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidInput."""
        limits = model.limits
        if not isinstance(self.sampling, Sampling):
            raise InvalidInput(f"sampling must be a Sampling, not {shown(self.sampling)}.")
        known = replace(
            self,
            max_new_tokens=check_range(
                "max_new_tokens", self.max_new_tokens, limits.max_new_tokens
            ),
            alternatives=check_range("alternatives", self.alternatives, limits.max_top_k),
        )
        return AboutPrompt.checked(known, model, prompt)

    def weight(self, shape: weight.Shape) -> int:
        """So many steps, each with its alternatives."""
        step = weight.STEP + min(self.alternatives, shape.vocab_size) * weight.TOKEN_PROB
        return self.max_new_tokens * step

    def start(self, model: Model, prompt: Prompt) -> GenerationStream:
        """The stream of its steps; of a checked question."""
        from lm_debugger.engine.generation import GenerationStream, Request

        request = Request(
            model=model.name,
            prompt=prompt.text,
            prompt_ids=prompt.ids,
            edits=model.edits(self.interventions, prompt),
            max_new_tokens=self.max_new_tokens,
            sampling=self.sampling,
            alternatives=self.alternatives,
            eos_token_ids=model.checkpoint.eos_token_ids,
        )
        return GenerationStream(request, model.adapter, model.lens, model.vocabulary, model.gate)
