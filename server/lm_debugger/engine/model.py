"""One loaded model, taken apart and ready: what every question is checked against, run on and
answered from. Whose turn it is to use it, `gate` knows; who asks, `debugger`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Self, SupportsIndex

import torch
from torch import Tensor

from lm_debugger.engine import interventions as rules
from lm_debugger.engine import weight
from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.asked import (
    Intervention,
    InterventionsLike,
    PositionsLike,
    as_interventions,
    as_positions,
)
from lm_debugger.engine.boosts import Boosts
from lm_debugger.engine.checks import (
    check_count,
    check_range,
    check_text,
    known_ids,
    resolve_positions,
)
from lm_debugger.engine.edits import Edits
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.kept import Kept, KeptRuns
from lm_debugger.engine.lens import Lens
from lm_debugger.engine.limits import Limits
from lm_debugger.engine.loading import Checkpoint
from lm_debugger.engine.nodes import ValueId
from lm_debugger.engine.noted import prompt_of
from lm_debugger.engine.passes import Runner
from lm_debugger.engine.questions.base import Prompt
from lm_debugger.engine.reading import Reader
from lm_debugger.engine.sites import Site
from lm_debugger.engine.tokens import Token
from lm_debugger.engine.types import ModelInfo
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import EmptyPrompt, InvalidPosition, PromptTooLong, UnknownToken
from lm_debugger.heap import let_go, trim


class Model:
    """The parts of a checkpoint, and the checks that need them.

    Nothing of a request is kept but its runs, for a while: whoever asks the same is answered from
    them, and they are the same for everybody.

    Args:
        remember: False: not even these are kept, and every question runs the whole model.

    Attributes:
        name: what it was loaded by, or is to be known as.
        runs: where all runs of a prompt come from; the gate must be held.
        reader: what a trace lists of them; likewise.
    """

    def __init__(self, checkpoint: Checkpoint, limits: Limits, *, remember: bool) -> None:
        self.checkpoint = checkpoint
        self.name = checkpoint.id
        self.adapter: Adapter = checkpoint.adapter
        self.limits = limits
        self.vocabulary = Vocabulary(checkpoint.tokenizer, len(self.adapter.unembedding))
        self.lens = Lens(self.adapter)
        trim()
        self.runner = Runner(self.adapter)
        # Read to be packed and measured, they are hardly read again where they are stored.
        weights = (self.adapter.unembedding, *self.adapter.backbone.parameters())
        let_go(each.data_ptr() for each in weights if each.device.type == "cpu")
        self.reader = Reader(self.runner, self.lens, self.vocabulary)
        self.gate = Gate(limits.max_waiting)
        self.runs = KeptRuns(self.runner, self.adapter, remember)

    # --- what is known of it ---------------------------------------------------------------------

    def known_as(self, name: str) -> Self:
        """The same model, which calls itself so in its answers."""
        other = copy.copy(self)
        other.name = name
        vars(other).pop("info", None)  # cached
        return other

    @cached_property
    def shape(self) -> weight.Shape:
        """What its answers grow with."""
        adapter = self.adapter
        return weight.Shape(adapter.n_layers, adapter.ffn_width, len(adapter.unembedding))

    @property
    def norms(self) -> Tensor:
        """||v_i||_2 of every value vector, [L, F], fp32."""
        return self.runner.norms

    @cached_property
    def info(self) -> ModelInfo:
        """Name, shape and place."""
        adapter, checkpoint = self.adapter, self.checkpoint
        vocab_size, d_model = adapter.unembedding.shape
        return ModelInfo(
            id=self.name,
            architecture=checkpoint.model_type,
            n_layers=adapter.n_layers,
            ffn_width=adapter.ffn_width,
            d_model=d_model,
            n_heads=adapter.n_heads,
            vocab_size=vocab_size,
            n_positions=adapter.n_positions,
            n_parameters=checkpoint.n_parameters,
            tied_unembedding=checkpoint.tied_unembedding,
            activation=adapter.activation_name,
            activation_at_zero=self._activation_at_zero(),
            dtype=str(adapter.unembedding.dtype).removeprefix("torch."),
            device=str(adapter.unembedding.device),
            eos_token=next(map(self.token, sorted(checkpoint.eos_token_ids)), None),
            gated=adapter.is_gated,
            parallel=adapter.is_parallel,
            post_norm=adapter.has_post_norm,
            capabilities=adapter.capabilities,
            self_check=checkpoint.self_check,
        )

    def _activation_at_zero(self) -> float:
        with torch.inference_mode():
            found = (rules.at_zero(self.adapter, l) for l in range(self.adapter.n_layers))
            return max(found, key=abs)

    # --- checks ----------------------------------------------------------------------------------

    def encode(self, text: str) -> Prompt:
        """A prompt as the model reads it (rule 1).

        Raises:
            EmptyPrompt, NoTokens, PromptTooLong, UnknownWord, UnknownToken, InvalidInput.
        """
        if not check_text("The prompt", text):
            raise EmptyPrompt("The prompt is empty; type at least one character.")
        ids = self.vocabulary.encode(text)
        self._check_length(len(ids))
        rows = self.shape.vocab_size
        for id in ids:
            if id >= rows:
                raise UnknownToken(
                    f"The prompt contains {self.vocabulary.piece(id)!r} (token {id}), which the "
                    f"tokenizer knows but the model does not: its embedding has {rows} rows.",
                    token=id,
                    minimum=0,
                    maximum=rows - 1,
                )
        prompt_of(len(ids))
        return Prompt(text, ids)

    def _check_length(self, n_tokens: int) -> None:
        if n_tokens > self.adapter.n_positions:
            raise PromptTooLong(
                f"The prompt has {n_tokens} tokens; this model reads at most "
                f"{self.adapter.n_positions}.",
                n_tokens=n_tokens,
                maximum=self.adapter.n_positions,
            )
        most = self.limits.max_prompt_tokens
        if most is not None and n_tokens > most:
            raise PromptTooLong(
                f"The prompt has {n_tokens} tokens; at most {most} are allowed.",
                parameter="prompt_tokens",
                n_tokens=n_tokens,
                maximum=most,
            )

    def columns(self, positions: PositionsLike, n_tokens: int) -> tuple[int, ...]:
        """Positions of a prompt, as ascending indices in [0, T).

        Raises:
            InvalidPosition: outside the prompt.
        """
        return resolve_positions(as_positions(positions), n_tokens)

    def column(self, position: PositionsLike, n_tokens: int) -> int:
        """The one position that is asked for.

        Raises:
            InvalidPosition: outside the prompt, or several.
        """
        found = self.columns(position, n_tokens)
        if len(found) != 1:
            raise InvalidPosition(
                f"Name one position of the prompt, not {len(found)}.", n_positions=len(found)
            )
        return found[0]

    def interventions(
        self, given: tuple[Intervention, ...], n_tokens: int
    ) -> tuple[Intervention, ...]:
        """Those of a request.

        Raises:
            TooManyInterventions, UnknownLayer, UnknownDimension, InvalidPosition.
        """
        check_count(len(given), self.limits.max_interventions)
        rules.check(self.adapter, given, n_tokens)
        return given

    def value(self, layer: SupportsIndex, dim: SupportsIndex) -> ValueId:
        """A value vector that the model has (rule 12).

        Raises:
            UnknownLayer, UnknownDimension: naming the allowed range.
        """
        return rules.check_value(self.adapter, layer, dim)

    def token_ids(
        self, ids: SupportsIndex | Iterable[SupportsIndex], most: int | None = None
    ) -> tuple[int, ...]:
        """Ids of tokens that the model has; see `checks.known_ids`."""
        return known_ids(ids, self.shape.vocab_size, most)

    def token_id(self, id: SupportsIndex) -> int:
        """The same of one; raises UnknownToken."""
        return self.token_ids((id,))[0]

    def check_run(
        self,
        text: str,
        interventions: InterventionsLike,
        positions: PositionsLike,
        max_new_tokens: int,
    ) -> None:
        """Refuse what a trace or a generation would refuse, without running the model.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
        """
        n_tokens = len(self.encode(text).ids)
        self.columns(positions, n_tokens)
        check_range("max_new_tokens", max_new_tokens, self.limits.max_new_tokens)
        self.interventions(as_interventions(interventions), n_tokens)

    def check_vectors(self, n: int, n_tokens: int) -> None:
        """May a list have n value vectors with so many of their tokens each?

        Raises:
            OutOfRange, AnswerTooLarge: no.
        """
        check_range("n", n, self.limits.max_top_k)
        self.check_weight(weight.vectors(n, n_tokens))

    def check_weight(self, n_bytes: int) -> None:
        """Raises AnswerTooLarge."""
        weight.check(n_bytes, self.limits.max_reply_mb)

    # --- what answers are made of ----------------------------------------------------------------

    def token(self, id: int) -> Token:
        """One entry of the vocabulary, 0 <= id < V."""
        return self.vocabulary.token(id)

    def tokens(self, ids: Iterable[int]) -> tuple[Token, ...]:
        """Several."""
        return tuple(map(self.vocabulary.token, ids))

    def states(self, run: Kept, positions: Sequence[int]) -> Tensor:
        """The residuals before and after every FFN of a run, [L, 2, P, D]."""
        return run.done.states(positions)

    def coefficients(self, run: Kept, positions: Sequence[int]) -> Tensor:
        """m of every layer of a run, [L, P, F], fp32."""
        return run.done[Site.COEFFICIENTS][:, run.done.columns(positions)]

    def written(self, run: Kept, positions: Sequence[int]) -> Tensor:
        """What value vectors are multiplied with, [L, P, F], fp32 (rule 20)."""
        return self.runner.written(run.done, positions)

    def boosts(self, interventions: Sequence[Intervention], prompt: Prompt) -> Boosts | None:
        """Rule 9 for a prompt; None where nothing is boosted. It takes a turn."""
        if not any(item.kind == "on" for item in interventions):
            return None
        with self.gate:
            return self.runs.boosts(prompt.ids)

    def edits(self, interventions: Sequence[Intervention], prompt: Prompt) -> Edits:
        """What interventions do to a prompt and what follows it. It may take a turn."""
        boosts = self.boosts(interventions, prompt)
        return rules.merge(self.adapter, interventions, len(prompt.ids), boosts)
