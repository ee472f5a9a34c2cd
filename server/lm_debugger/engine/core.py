"""What every question to a model needs: the loaded parts, the gate, the limits, the checks."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal, Self, SupportsIndex

import torch

from lm_debugger.engine import interventions as rules
from lm_debugger.engine import weight
from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.checks import (
    check_count,
    check_range,
    check_text,
    known_tokens,
    resolve_positions,
)
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.kept import KeptRuns
from lm_debugger.engine.lens import Lens
from lm_debugger.engine.loading import Checkpoint
from lm_debugger.engine.passes import Runner
from lm_debugger.engine.reading import Reader
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.types import (
    LIMITS,
    Intervention,
    InterventionsLike,
    Limits,
    ModelInfo,
    Token,
    ValueId,
    as_interventions,
    as_positions,
)
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import (
    EmptyPrompt,
    InvalidPosition,
    PromptTooLong,
    UnknownToken,
)
from lm_debugger.heap import let_go, trim

PositionsLike = Literal["all", "last"] | SupportsIndex | Iterable[SupportsIndex]


class Core:
    """One loaded model. It owns the tokenizer, the gate that lets one request at a time use the
    model, and the limits. Nothing of a request is kept but its runs, for a while: whoever asks
    the same is answered from them, and they are the same for everybody.

    Args:
        remember: False: not even these are kept, and every question runs the whole model.
    """

    def __init__(
        self, checkpoint: Checkpoint, limits: Limits = LIMITS, *, remember: bool = True
    ) -> None:
        self._adapter = checkpoint.adapter
        self._checkpoint = checkpoint
        self._id = checkpoint.id
        self._vocabulary = Vocabulary(checkpoint.tokenizer, len(checkpoint.adapter.unembedding))
        self._lens = Lens(self._adapter)
        trim()
        self._runner = Runner(self._adapter)
        # Read to be packed and measured, they are hardly read again where they are stored.
        weights = (self._adapter.unembedding, *self._adapter.backbone.parameters())
        let_go(weight.data_ptr() for weight in weights if weight.device.type == "cpu")
        self._reader = Reader(self._runner, self._lens, self._vocabulary)
        self._gate = Gate(limits.max_waiting)
        self._runs = KeptRuns(self._runner, self._adapter, remember)
        self.limits = limits

    def known_as(self, id: str) -> Self:
        """The same model, which calls itself so in its answers."""
        other = copy.copy(self)
        other._id = id
        vars(other).pop("info", None)  # cached
        return other

    def check(self, at: ValueId) -> None:
        """Does the model have this value vector (rule 12)?

        Raises:
            UnknownLayer, UnknownDimension: no; they name the allowed range.
        """
        rules.check_value(self._adapter, at.layer, at.dim)

    def check_vectors(self, n: int, n_tokens: int) -> None:
        """May a list have n value vectors with so many of their tokens each?

        Raises:
            OutOfRange, AnswerTooLarge: no.
        """
        check_range("n", n, self.limits.max_top_k)
        self._check_weight(self._weights.vectors(n, n_tokens))

    def token(self, id: int) -> Token:
        """One entry of the vocabulary.

        Raises:
            UnknownToken: not 0 <= id < V.
        """
        return known_tokens(self._vocabulary, self.info.vocab_size, [id])[0]

    def piece(self, id: int) -> str:
        """The raw vocabulary piece, "Ġman".

        Raises:
            UnknownToken: not 0 <= id < V.
        """
        return self._vocabulary.piece(self.token(id).id)

    # What `index` and `runs` build on; requests go through the methods below.

    @property
    def adapter(self) -> Adapter:
        """The model's parts."""
        return self._adapter

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the model came from."""
        return self._checkpoint

    @property
    def lens(self) -> Lens:
        """States and vectors to logits."""
        return self._lens

    @property
    def vocabulary(self) -> Vocabulary:
        """Ids to text and back."""
        return self._vocabulary

    @property
    def norms(self) -> torch.Tensor:
        """||v_i||_2 of every value vector, [L, F], fp32."""
        return self._runner.norms

    @property
    def gate(self) -> Gate:
        """Whose turn it is."""
        return self._gate

    @cached_property
    def info(self) -> ModelInfo:
        """Name, shape and place of the model."""
        adapter, checkpoint = self._adapter, self._checkpoint
        vocab_size, d_model = adapter.unembedding.shape
        return ModelInfo(
            id=self._id,
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
            eos_token=next(map(self._vocabulary.token, sorted(checkpoint.eos_token_ids)), None),
        )

    def tokenize(self, prompt: str) -> tuple[Token, ...]:
        """The prompt's tokens, as `trace` sees them (rule 1).

        Raises:
            EmptyPrompt, PromptTooLong, InvalidInput.
        """
        return tuple(self._vocabulary.token(id) for id in self._encode(prompt))

    def check_run(
        self,
        prompt: str,
        interventions: InterventionsLike,
        positions: PositionsLike,
        max_new_tokens: int,
    ) -> None:
        """Refuse what `trace` or `generate` would refuse, without running the model.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
        """
        n_tokens = len(self._encode(prompt))
        resolve_positions(as_positions(positions), n_tokens)
        check_range("max_new_tokens", max_new_tokens, self.limits.max_new_tokens)
        self._check_interventions(interventions, n_tokens)

    @cached_property
    def _weights(self) -> weight.Weights:
        adapter = self._adapter
        return weight.Weights(adapter.n_layers, adapter.ffn_width, len(adapter.unembedding))

    def _check_weight(self, n_bytes: int) -> None:
        """Raises AnswerTooLarge."""
        weight.check(n_bytes, self.limits.max_reply_mb)

    def _activation_at_zero(self) -> float:
        with torch.inference_mode():
            found = (rules.at_zero(self._adapter, layer) for layer in range(self._adapter.n_layers))
            return max(found, key=abs)

    def _both(
        self, ids: Sequence[int], columns: tuple[int, ...], interventions: Sequence[Intervention]
    ) -> tuple[Recording, Recording]:
        """The unedited and the edited pass, one and the same where nothing is edited."""
        plain, changed = self._runs.both(ids, columns, interventions)
        return plain.done, changed.done

    def _encode(self, prompt: str) -> list[int]:
        if not check_text("The prompt", prompt):
            raise EmptyPrompt("The prompt is empty; type at least one character.")
        ids = self._vocabulary.encode(prompt)
        if len(ids) > self._adapter.n_positions:
            raise PromptTooLong(
                f"The prompt has {len(ids)} tokens; this model reads at most "
                f"{self._adapter.n_positions}.",
                n_tokens=len(ids),
                maximum=self._adapter.n_positions,
            )
        rows = len(self._adapter.unembedding)
        for id in ids:
            if id >= rows:
                raise UnknownToken(
                    f"The prompt contains {self._vocabulary.piece(id)!r} (token {id}), which the "
                    f"tokenizer knows but the model does not: its embedding has {rows} rows.",
                    token=id,
                    minimum=0,
                    maximum=rows - 1,
                )
        return ids

    def _column(self, position: PositionsLike, n_tokens: int) -> int:
        """The one prompt position that is asked for.

        Raises:
            InvalidPosition: outside the prompt, or several.
        """
        columns = resolve_positions(as_positions(position), n_tokens)
        if len(columns) != 1:
            raise InvalidPosition(
                f"Name one position of the prompt, not {len(columns)}.", n_positions=len(columns)
            )
        return columns[0]

    def _check_interventions(
        self, given: InterventionsLike, n_tokens: int
    ) -> tuple[Intervention, ...]:
        interventions = as_interventions(given)
        check_count(len(interventions), self.limits.max_interventions)
        rules.check(self._adapter, interventions, n_tokens)
        return interventions
