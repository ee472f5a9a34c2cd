"""`Debugger`: one loaded model and everything that can be asked of it. What the numbers mean is
left to `tracer`, `lens`, `interventions` and `generation`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from lm_debugger.engine import interventions as rules
from lm_debugger.engine.baking import bake, bakeable
from lm_debugger.engine.boosts import Boosts
from lm_debugger.engine.checks import check_range, resolve_positions
from lm_debugger.engine.core import PositionsLike
from lm_debugger.engine.generation import GenerationStream, Request
from lm_debugger.engine.given import shown
from lm_debugger.engine.kept import Kept, Wanted
from lm_debugger.engine.loading import choose_device, load
from lm_debugger.engine.reading import Reading, applied
from lm_debugger.engine.types import (
    GREEDY,
    LIMITS,
    AppliedIntervention,
    Baked,
    Generation,
    Intervention,
    InterventionsLike,
    Limits,
    PositionComparison,
    Run,
    Sampling,
    Trace,
    as_interventions,
    as_positions,
)
from lm_debugger.engine.why import Why
from lm_debugger.errors import CannotBake, InvalidInput, about_intervention

_BATCH_TOKENS = 256
"""Beyond it a batch is no faster than its requests one after the other, and all wait for it."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A checked request for a trace."""

    ids: Sequence[int]
    columns: tuple[int, ...]
    interventions: tuple[Intervention, ...]
    top_k: int


@dataclass(frozen=True, slots=True)
class _Answer:
    unedited: Run
    edited: Run | None
    comparison: tuple[PositionComparison, ...] | None
    applied: tuple[AppliedIntervention, ...]


def _fit(asked: Sequence[_Question]) -> bool:
    """Whether traces may be one batch: short prompts of about one length, at single positions."""
    lengths = [len(a.ids) for a in asked]
    padded = max(lengths) * len(lengths)
    single = all(len(a.columns) == 1 for a in asked)
    return single and padded <= min(_BATCH_TOKENS, 1.5 * sum(lengths))


def _compared(positions: Sequence[PositionComparison]) -> int:
    """How many tokens comparisons list."""
    layers = (layer for position in positions for layer in position.layers)
    return sum(len(layer.before.tokens) + len(layer.after.tokens) for layer in layers)


class Debugger(Why):
    """A model under the debugger. Safe to call from any number of threads at once.

    >>> debugger = Debugger.load("demo")
    >>> trace = debugger.trace("My wife is working as a", [Intervention.off("L7D341")])
    >>> trace.edited.positions[0].prediction.top[0].token.text
    """

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str],
        device: str | torch.device | None = "auto",
        dtype: str | torch.dtype = "float32",
        revision: str | None = None,
        limits: Limits = LIMITS,
        *,
        remember: bool = True,
    ) -> Self:
        """Load "demo", a folder that `save_pretrained` wrote, or a hub id; safetensors only.

        Args:
            device: "auto" or None (CUDA, then MPS, then CPU), "cpu", "cuda", "cuda:1", "mps".
            dtype: "float32", "float16" or "bfloat16", or torch's own name for it.
            revision: branch, tag or commit of a hub id.
            remember: keep the latest runs (64 MB), so that a question about the same prompt
                computes only what differs. False: every question runs the model, as is right for
                measuring it or for seeing that nothing is left behind in it.

        Raises:
            LoadError: ModelNotFound, UnsupportedModel or InvalidCheckpoint, see `loading.load`.
            InvalidInput: an argument is of another kind than it may be.
        """
        if not isinstance(limits, Limits):
            raise InvalidInput(f"limits must be a Limits, not {shown(limits)}.")
        return cls(
            load(name_or_path, choose_device(device), dtype, revision), limits, remember=remember
        )

    def trace(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        positions: PositionsLike = "last",
        top_k: int = 10,
    ) -> Trace:
        """How each layer's FFN changes the prediction, unedited and edited (rules 1 to 13, 15).

        Args:
            positions: of the prompt, to be read; negative ones count from the end.
            top_k: K, tokens per state and sub-updates per layer.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        columns = resolve_positions(as_positions(positions), len(ids))
        top_k = check_range("top_k", top_k, self.limits.max_top_k)
        check_range("positions", len(columns), self.limits.max_positions)
        edits = self._check_interventions(interventions, len(ids))
        self._check_weight(self._weights.trace(len(columns), top_k, edited=bool(edits)))
        asked = _Question(ids, columns, edits, top_k)
        answer = self._gate.together(asked, self._traces, _fit)
        if answer.comparison is not None:
            compared = _compared(answer.comparison)
            self._check_weight(
                self._weights.trace(len(columns), top_k, edited=True, compared=compared)
            )
        return Trace(
            model=self._id,
            prompt=prompt,
            tokens=tuple(self._vocabulary.token(id) for id in ids),
            positions=columns,
            unedited=answer.unedited,
            edited=answer.edited,
            comparison=answer.comparison,
            interventions=answer.applied,
        )

    def _traces(self, asked: Sequence[_Question]) -> list[_Answer]:
        """Several traces as one batch; the caller holds the gate."""
        runs = self._runs.many([Wanted(a.ids, a.columns, a.interventions) for a in asked])
        self._reader.read(
            [
                # Of several at once, only those with edits are worth their memory.
                Reading(kept, a.columns, a.top_k, bool(a.interventions) or len(asked) == 1)
                for a, both in zip(asked, runs, strict=True)
                for kept in both
            ]
        )
        answers = [self._answer(a, *both) for a, both in zip(asked, runs, strict=True)]
        for a, both in zip(asked, runs, strict=True):
            for kept in both:
                if kept.edits:
                    kept.distributions = None  # large, and compared now
                if len(a.columns) > 1:
                    kept.forget((a.columns, a.top_k))  # large, and rare
        self._runs.trim()
        return answers

    def _answer(self, asked: _Question, plain: Kept, changed: Kept) -> _Answer:
        columns, k = asked.columns, asked.top_k
        unedited = self._reader.run(plain, columns, k)
        edited = comparison = None
        if asked.interventions:
            edited = self._reader.run(changed, columns, k)
            comparison = self._reader.compare(plain, changed, columns, k)
        boosts = self._runner.boosts(plain.done)
        how = applied(
            self._adapter, asked.interventions, columns[-1], plain.done, changed.done, boosts
        )
        return _Answer(unedited, edited, comparison, how)

    def generate(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        max_new_tokens: int = 10,
        sampling: Sampling = GREEDY,
        alternatives: int = 5,
    ) -> Generation:
        """Continue the prompt by at most `max_new_tokens` tokens (rule 14); see `stream`."""
        stream = self.stream(prompt, interventions, max_new_tokens, sampling, alternatives)
        for _ in stream:
            pass
        return stream.result

    def stream(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        max_new_tokens: int = 10,
        sampling: Sampling = GREEDY,
        alternatives: int = 5,
    ) -> GenerationStream:
        """Continue the prompt token by token (rule 14).

        Args:
            alternatives: how many of the likeliest tokens are listed with each step.

        Raises (here, not at the first step):
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        max_new_tokens = check_range("max_new_tokens", max_new_tokens, self.limits.max_new_tokens)
        alternatives = check_range("alternatives", alternatives, self.limits.max_top_k)
        self._check_weight(self._weights.generation(max_new_tokens, alternatives))
        if not isinstance(sampling, Sampling):
            raise InvalidInput(f"sampling must be a Sampling, not {shown(sampling)}.")
        asked = self._check_interventions(interventions, len(ids))
        boosts: Boosts | None = None
        if any(item.kind == "on" for item in asked):
            with self._gate:
                boosts = self._runs.boosts(ids)
        request = Request(
            model=self._id,
            prompt=prompt,
            prompt_ids=ids,
            edits=rules.merge(self._adapter, asked, len(ids), boosts),
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            alternatives=alternatives,
            eos_token_ids=self._checkpoint.eos_token_ids,
        )
        return GenerationStream(request, self._adapter, self._lens, self._vocabulary, self._gate)

    def bake(
        self,
        interventions: InterventionsLike,
        out: str | os.PathLike[str],
        prompt: str | None = None,
        dtype: str | None = None,
        *,
        force: bool = False,
    ) -> Baked:
        """Write a checkpoint folder in which the interventions are part of the weights, so that any
        tool runs the edited model. It predicts what `trace` with them predicts, but for the
        rounding that the result tells.

        Args:
            out: is written whole or not at all.
            prompt: from its unedited run comes the c of boosts (rule 9), then fixed for all texts;
                needed where there are boosts.
            dtype: of the weights; None: as the checkpoint has them.
            force: replace a checkpoint that is in `out`.

        Raises:
            CannotBake: weights cannot express an intervention, or `out` is taken.
            InvalidInput: another of its subclasses says what is wrong and what is allowed.
            CheckpointStorage: the disk is full, or `out` cannot be written.
            LoadError: the checkpoint cannot be read again, or is not what was loaded.
        """
        given = as_interventions(interventions)
        for place, item in enumerate(given):
            with about_intervention(place, item.id):
                rules.check_value(self._adapter, item.layer, item.dim)
        wanted = bakeable(given)
        self._check_interventions(wanted, n_tokens=1)
        if not isinstance(out, str | os.PathLike):
            raise InvalidInput(f"out must be the path of a folder, not {shown(out)}.")
        boosts: Boosts | None = None
        fixed_by = None
        if any(item.kind == "on" for item in wanted):
            if prompt is None:
                raise CannotBake(
                    "A boost sets its coefficient to a value that depends on a prompt (rule 9): "
                    "name the prompt whose value is to be kept."
                )
            ids, fixed_by = self._encode(prompt), prompt
            with self._gate:
                boosts = self._runs.boosts(ids)
        return bake(self._checkpoint, wanted, boosts, Path(out), fixed_by, dtype, force=force)
