"""`Debugger`: one loaded model and everything that can be asked of it. What a question means, and
how it is answered, is in `questions`; what it is answered from, in `model`.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal, SupportsIndex, TypeVar, overload

import torch

from lm_debugger.engine import showing
from lm_debugger.engine import types as its
from lm_debugger.engine.asked import (
    GREEDY,
    InterventionsLike,
    PositionsLike,
    Sampling,
    as_interventions,
    as_positions,
)
from lm_debugger.engine.asking import Asking
from lm_debugger.engine.bake_request import bake_checked
from lm_debugger.engine.generation import GenerationStream
from lm_debugger.engine.given import shown
from lm_debugger.engine.limits import LIMITS, Limits
from lm_debugger.engine.loading import Checkpoint, choose_device, load
from lm_debugger.engine.model import Model
from lm_debugger.engine.nodes import ValueId
from lm_debugger.engine.questions import (
    attribute,
    find_tokens,
    follow,
    generate,
    grid,
    project,
    sub_updates,
    trace,
)
from lm_debugger.engine.questions.base import Answer, Question
from lm_debugger.errors import InvalidInput

A = TypeVar("A", bound=Answer)


class Debugger:
    """A model under the debugger. Safe to call from any number of threads at once.

    >>> debugger = Debugger.load("demo")
    >>> trace = debugger.trace("My wife is working as a", [Intervention.off("L7D341")])
    >>> trace.edited.positions[0].prediction.top[0].text

    There is a method for each question, with the fields of its `Ask` as arguments, and `ask` for
    any. Positions are of the prompt, negative ones count from the end; tokens are ids.
    """

    def __init__(
        self, checkpoint: Checkpoint, limits: Limits = LIMITS, *, remember: bool = True
    ) -> None:
        self._use(Model(checkpoint, limits, remember=remember))

    def _use(self, model: Model) -> None:
        self.model, self._asking = model, Asking(model)
        # What `index` and `runs` build on.
        self.adapter, self.checkpoint = model.adapter, model.checkpoint
        self.limits = model.limits
        self.lens, self.vocabulary, self.norms = model.lens, model.vocabulary, model.norms
        self.gate = model.gate

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
    ) -> Debugger:
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
        checkpoint = load(name_or_path, choose_device(device), dtype, revision)
        return cls(checkpoint, limits, remember=remember)

    def known_as(self, name: str) -> Debugger:
        """The same loaded model, which calls itself so in its answers."""
        other = copy.copy(self)
        other._use(self.model.known_as(name))
        return other

    def ask(self, question: Question[A]) -> A:
        """The answer to a question.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        return self._asking.ask(question)

    def start(self, question: generate.Ask) -> GenerationStream:
        """A generation token by token: iterate for its steps. Raises as `ask` does, here and not at
        the first step."""
        return self._asking.start(question)

    # --- one method per question -----------------------------------------------------------------

    def trace(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        positions: PositionsLike = "last",
        top_k: int = 10,
    ) -> its.Trace:
        """How each layer's FFN changes the prediction, unedited and edited (rules 1 to 13, 15)."""
        edits, at = as_interventions(interventions), as_positions(positions)
        return self.ask(trace.Ask(prompt=prompt, interventions=edits, positions=at, top_k=top_k))

    def grid(
        self, prompt: str, interventions: InterventionsLike = (), positions: PositionsLike = "all"
    ) -> its.Grid:
        """What every state predicts, positions x layers (rule 4), in both runs."""
        edits, at = as_interventions(interventions), as_positions(positions)
        return self.ask(grid.Ask(prompt=prompt, interventions=edits, positions=at))

    def follow(
        self,
        prompt: str,
        tokens: SupportsIndex | Iterable[SupportsIndex],
        interventions: InterventionsLike = (),
        position: int = -1,
    ) -> its.Following:
        """Probability, logit and rank of some tokens through all 2 L states (rule 4), both runs."""
        ids: Any = tokens  # brought into form with all else
        edits = as_interventions(interventions)
        asked = follow.Ask(prompt=prompt, interventions=edits, position=position, tokens=ids)
        return self.ask(asked)

    def attribute(
        self,
        prompt: str,
        token: int,
        against: int | None = None,
        interventions: InterventionsLike = (),
        position: int = -1,
        top_k: int = 10,
    ) -> its.Attribution:
        """What every part adds to a token's logit, or to its lead over another (rule 16), in the
        edited run."""
        edits = as_interventions(interventions)
        return self.ask(attribute.Ask(
            prompt=prompt, interventions=edits, position=position, token=token, against=against,
            top_k=top_k,
        ))  # fmt: skip

    def sub_updates(
        self,
        prompt: str,
        layer: int,
        interventions: InterventionsLike = (),
        position: int = -1,
        top_k: int = 50,
        sort: Literal["score", "effect"] = "score",
        token: int | None = None,
        against: int | None = None,
        n_tokens: int = 3,
    ) -> tuple[its.SubUpdateDetail, ...]:
        """The sub-updates of one layer in detail (rules 6 and 16), of the edited run."""
        edits = as_interventions(interventions)
        return self.ask(sub_updates.Ask(
            prompt=prompt, interventions=edits, position=position, layer=layer, top_k=top_k,
            sort=sort, token=token, against=against, n_tokens=n_tokens,
        )).sub_updates  # fmt: skip

    def generate(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        max_new_tokens: int = 10,
        sampling: Sampling = GREEDY,
        alternatives: int = 5,
    ) -> its.Generation:
        """Continue the prompt by at most `max_new_tokens` tokens (rule 14)."""
        edits = as_interventions(interventions)
        return self.ask(generate.Ask(
            prompt=prompt, interventions=edits, max_new_tokens=max_new_tokens, sampling=sampling,
            alternatives=alternatives,
        ))  # fmt: skip

    def stream(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        max_new_tokens: int = 10,
        sampling: Sampling = GREEDY,
        alternatives: int = 5,
    ) -> GenerationStream:
        """The same token by token; see `start`."""
        edits = as_interventions(interventions)
        return self.start(generate.Ask(
            prompt=prompt, interventions=edits, max_new_tokens=max_new_tokens, sampling=sampling,
            alternatives=alternatives,
        ))  # fmt: skip

    def find_tokens(self, text: str, n: int = 10) -> tuple[its.Token, ...]:
        """The n entries of the vocabulary that a typed text may mean, the likeliest meant first.

        Raises:
            OutOfRange: n.
            UnknownWord: none begins so, and the tokenizer can write it as unknown only.
        """
        return self.ask(find_tokens.Ask(q=text, n=n)).tokens

    def project(self, layer: int, dim: int, top_k: int = 50) -> its.Projection:
        """What a value vector promotes and suppresses: both ends of E · v_i (rule 7)."""
        return self.ask(project.Ask(layer=layer, dim=dim, top_k=top_k))

    def promoted(self, values: Sequence[ValueId], top_k: int = 10) -> list[tuple[its.Token, ...]]:
        """The tokens that each of some value vectors promotes most, see `questions.project`."""
        return project.promoted(self.model, values, top_k)

    # --- what needs no run -----------------------------------------------------------------------

    @property
    def info(self) -> its.ModelInfo:
        """Name, shape and place of the model."""
        return self.model.info

    def tokenize(self, prompt: str) -> tuple[its.Token, ...]:
        """The prompt's tokens, as `trace` sees them (rule 1); raises InvalidInput."""
        return self.model.tokens(self.model.encode(prompt).ids)

    def token(self, id: SupportsIndex) -> its.Token:
        """One entry of the vocabulary; raises UnknownToken."""
        return self.model.token(self.model.token_id(id))

    def piece(self, id: SupportsIndex) -> str:
        """The raw vocabulary piece, "Ġman"; raises UnknownToken."""
        return self.vocabulary.piece(self.token(id).id)

    def check(self, at: ValueId) -> None:
        """Does the model have this value vector (rule 12)? Raises UnknownLayer and the like."""
        self.model.value(at.layer, at.dim)

    # --- what leaves something behind ------------------------------------------------------------

    def bake(
        self,
        interventions: InterventionsLike,
        out: str | os.PathLike[str],
        prompt: str | None = None,
        dtype: str | None = None,
        *,
        force: bool = False,
    ) -> its.Baked:
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
        return bake_checked(self.model, given, out, prompt, dtype, force=force)

    @overload
    def serve(
        self, *, background: Literal[True], host: str = ..., port: int = ...
    ) -> showing.Serving: ...

    @overload
    def serve(
        self, *, background: Literal[False] = ..., host: str = ..., port: int = ...
    ) -> None: ...

    def serve(
        self, *, background: bool = False, host: str = "127.0.0.1", port: int = 0
    ) -> showing.Serving | None:
        """Serve the page and the API for this model, under the settings of the environment.

        Args:
            background: return at once with a handle (`url`, `stop()`, a context manager);
                otherwise print the address and serve until Ctrl-C.
            port: 0 takes a free one. One that an earlier call in this process serves in the
                background is taken over: that server stops.

        Raises:
            AddressUnavailable: the port is taken by something else, or host or port cannot be used
                here.
            SettingsError: one in the environment is unknown or wrong.
        """
        return showing.way().serve(self, background=background, host=host, port=port)
