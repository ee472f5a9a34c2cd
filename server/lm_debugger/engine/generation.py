"""Token by token with a KV cache and edits: rule 14, streaming, stoppable.

The model is borrowed for one token at a time (`gate.Gate`), so that a long generation does not hold
up traces; between tokens nothing of it is on the model, its state is the KV cache it owns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.edits import Edits
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.hooks import attached
from lm_debugger.engine.lens import Distributions, Lens
from lm_debugger.engine.signatures import name_of_cache
from lm_debugger.engine.sites import Site
from lm_debugger.engine.soundness import check, squares
from lm_debugger.engine.types import FinishReason, Generation, GenerationStep, Sampling, Token
from lm_debugger.engine.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request for generation.

    Attributes:
        prompt_ids: [T].
        edits: by layer and site, see `interventions.merge`; row T holds for generated tokens.
        eos_token_ids: end the run, and are not part of it.
    """

    model: str
    prompt: str
    prompt_ids: Sequence[int]
    edits: Edits
    max_new_tokens: int
    sampling: Sampling
    alternatives: int
    eos_token_ids: frozenset[int]


class GenerationStream(Iterator[GenerationStep]):
    """Iterate for steps; `close()` ends the run early; `result` is what there is so far.

    Not for use by two threads at once.
    """

    def __init__(
        self, request: Request, adapter: Adapter, lens: Lens, vocabulary: Vocabulary, gate: Gate
    ) -> None:
        self._request = request
        self._vocabulary = vocabulary
        self._model = _CachedModel(request, adapter, lens, gate)
        self._random = torch.Generator().manual_seed(request.sampling.seed)
        self._new_ids: list[int] = []
        self._steps: list[GenerationStep] = []
        self._finished: FinishReason | None = None

    def __next__(self) -> GenerationStep:
        """The next token.

        Raises:
            NonFiniteResult: the edits overflow the model's number format.
            Busy: too many requests wait for the model.
        """
        if self._finished is not None:
            raise StopIteration
        request = self._request
        if len(self._new_ids) == request.max_new_tokens:
            return self._finish("length")
        if self._model.is_full:
            return self._finish("context_full")
        logits = self._model.next_logits(self._new_ids)
        id = choose(logits, request.sampling, self._random)
        if id in request.eos_token_ids:
            return self._finish("end_of_text")
        self._new_ids.append(id)
        found = Distributions.of(logits.unsqueeze(0))
        likeliest, ids = found.top(request.alternatives)
        step = GenerationStep(
            index=len(self._steps),
            token=self._vocabulary.token(id),
            prob=float(found.at(logits[id])),
            alternatives=self._vocabulary.probs(ids[0].tolist(), likeliest[0].tolist()),
        )
        self._steps.append(step)
        return step

    def close(self) -> None:
        """Stop here; later `next` calls end the iteration."""
        if self._finished is None:
            self._finished = "stopped"
        self._model.release()

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Those of the prompt."""
        return tuple(map(self._vocabulary.token, self._request.prompt_ids))

    @property
    def result(self) -> Generation:
        """Prompt, text and steps so far; `finish_reason` is "stopped" unless the run has ended."""
        request = self._request
        return Generation(
            model=request.model,
            prompt=request.prompt,
            text=self._vocabulary.continued(request.prompt, [*request.prompt_ids], self._new_ids),
            steps=tuple(self._steps),
            finish_reason=self._finished or "stopped",
        )

    def _finish(self, reason: FinishReason) -> GenerationStep:
        self._finished = reason
        self._model.release()
        raise StopIteration


@dataclass(slots=True)
class _CachedModel:
    """The model and the KV cache of one text."""

    request: Request
    adapter: Adapter
    lens: Lens
    gate: Gate
    _cache: Any = field(default=None, init=False)
    _seen: int = field(default=0, init=False)  # tokens in the cache

    @property
    def is_full(self) -> bool:
        return self._seen >= self.adapter.n_positions

    def next_logits(self, new_ids: Sequence[int]) -> Tensor:
        """[V], fp32 on the CPU: what follows prompt + new_ids."""
        text = [*self.request.prompt_ids, *new_ids]
        device = self.adapter.unembedding.device
        with self.gate, torch.inference_mode():
            tokens = torch.tensor([text[self._seen :]], device=device)
            cache = name_of_cache(type(self.adapter.backbone).forward)
            step = _Step(self.request.edits, self._seen)
            with attached(self.adapter, step.sites(self.adapter), step.sees):
                output = self.adapter.backbone(
                    input_ids=tokens,
                    attention_mask=torch.ones(1, len(text), device=device, dtype=torch.long),
                    use_cache=True,
                    **{cache: self._cache},
                )
            self._cache, self._seen = output[cache], len(text)
            check([*step.squares.values()], [l for l, _ in step.squares], generating=True)
            return self.lens.logits(step.final)[0].cpu()

    def release(self) -> None:
        self._cache = None


class _Step:
    """One pass over the tokens that are new: edits, and looks whether its states can be held."""

    def __init__(self, edits: Edits, start: int) -> None:
        self._edits, self._start = edits, start
        self.squares: dict[tuple[int, Site], Tensor] = {}  # [t] each, see `soundness`
        self.final: Tensor  # [1, D], the last residual

    def sites(self, adapter: Adapter) -> list[tuple[Site, int]]:
        states = {Site.RESID_MID, Site.RESID_POST} if not adapter.is_parallel else {Site.RESID_POST}
        if adapter.has_post_norm:
            states.add(Site.FFN_RAW)  # the norm makes 0 of what overflows
        self._states = frozenset(states)
        watched = [(site, layer) for layer in range(adapter.n_layers) for site in states]
        return [*watched, *((site, layer) for layer, site in self._edits)]

    def sees(self, site: Site, layer: int, value: Tensor) -> Tensor | None:
        edit = self._edits.get((layer, site))
        if edit is not None:
            value = value.clone()
            edit.write(value[0], self._start)
        if site in self._states:
            self.squares[layer, site] = squares(value[0])
        if site is Site.RESID_POST:
            self.final = value[0, -1:]
        return None if edit is None else value


def choose(logits: Tensor, sampling: Sampling, random: torch.Generator) -> int:
    """The next token's id from logits [V]: greedy (ties by lower id) or sampled.

    Sampling is in float64: softmax(logits / temperature), cut to the nucleus (Holtzman et al.,
    2020): the likeliest tokens up to and including the one that reaches top_p.
    """
    if sampling.temperature == 0:
        return int(logits.argmax())
    scaled = (logits.double() - logits.max()) / sampling.temperature
    probs, ids = scaled.softmax(dim=-1).sort(descending=True, stable=True)
    before = probs.cumsum(dim=-1) - probs
    probs[before >= sampling.top_p] = 0
    return int(ids[torch.multinomial(probs, 1, generator=random)])
