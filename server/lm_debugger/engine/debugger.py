"""`Debugger`: one loaded model and everything that can be asked of it.

It owns the model, the tokenizer, the gate that lets one request at a time use the model, and the
limits; what the numbers mean is left to `tracer`, `lens`, `interventions` and `generation`. Nothing
of a request is kept but a small cache of unedited runs, which are the same for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import torch

from lm_debugger.engine import interventions as rules
from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.attribution import attribute
from lm_debugger.engine.checks import check_range, known_tokens
from lm_debugger.engine.comparing import compare, follow
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.generation import GenerationStream, Request
from lm_debugger.engine.lens import Lens, top_k
from lm_debugger.engine.loading import Checkpoint, choose_device, load
from lm_debugger.engine.tracer import Tracer, applied
from lm_debugger.engine.types import (
    GREEDY,
    LIMITS,
    Attribution,
    Following,
    Generation,
    Intervention,
    Limits,
    ModelInfo,
    Projection,
    Sampling,
    Token,
    Trace,
    ValueId,
    as_positions,
)
from lm_debugger.engine.unedited import UneditedRuns
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import (
    EmptyPrompt,
    InvalidInput,
    PromptTooLong,
    TooManyInterventions,
)

PositionsLike = Literal["all", "last"] | int | range | Sequence[int]


class Debugger:
    """A model under the debugger. Safe to call from any number of threads at once.

    >>> debugger = Debugger.load("demo")
    >>> trace = debugger.trace("My wife is working as a", [Intervention.off("L7D341")])
    >>> trace.edited.positions[0].prediction.top[0].token.text
    """

    def __init__(self, checkpoint: Checkpoint, limits: Limits = LIMITS) -> None:
        self._adapter = checkpoint.adapter
        self._checkpoint = checkpoint
        self._vocabulary = Vocabulary(checkpoint.tokenizer)
        self._lens = Lens(self._adapter)
        self._tracer = Tracer(self._adapter, self._lens, self._vocabulary)
        self._gate = Gate(limits.max_waiting)
        self._unedited = UneditedRuns(self._tracer)
        self.limits = limits

    @classmethod
    def load(
        cls,
        name_or_path: str,
        device: str = "auto",
        dtype: str = "float32",
        revision: str | None = None,
        limits: Limits = LIMITS,
    ) -> Debugger:
        """Load "demo", a folder that `save_pretrained` wrote, or a hub id; safetensors only.

        Args:
            device: "auto" (CUDA, then MPS, then CPU), "cpu", "cuda", "cuda:1", "mps".
            dtype: "float32", "float16" or "bfloat16".
            revision: branch, tag or commit of a hub id.

        Raises:
            LoadError: ModelNotFound, UnsupportedModel or InvalidCheckpoint, see `loading.load`.
        """
        return cls(load(name_or_path, choose_device(device), dtype, revision), limits)

    def check(self, at: ValueId) -> None:
        """Does the model have this value vector (rule 12)?

        Raises:
            UnknownLayer, UnknownDimension: no; they name the allowed range.
        """
        rules.check_value(self._adapter, at.layer, at.dim)

    def token(self, id: int) -> Token:
        """One entry of the vocabulary, 0 <= id < V."""
        return self._vocabulary.token(id)

    def piece(self, id: int) -> str:
        """The raw vocabulary piece, "Ġman"."""
        return self._vocabulary.piece(id)

    # What `index` builds on; requests go through the methods below.

    @property
    def adapter(self) -> Adapter:
        """The model's parts."""
        return self._adapter

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
        return self._tracer.norms

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
            id=checkpoint.id,
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

    def trace(
        self,
        prompt: str,
        interventions: Sequence[Intervention] = (),
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
        columns = rules.resolve_positions(as_positions(positions), len(ids))
        check_range("top_k", top_k, self.limits.max_top_k)
        check_range("positions", len(columns), self.limits.max_positions)
        self._check_interventions(interventions, len(ids))
        with self._gate:
            boosts, run, done = self._unedited.run(ids, columns, top_k)
            edited, edited_done = (run, done) if interventions else (None, done)
            edits = rules.merge(self._adapter, interventions, len(ids), boosts)
            if edits:
                edited_done = self._tracer.forward(ids, columns, edits)
                edited = self._tracer.read(edited_done, columns, top_k)
            comparison = None
            if interventions:
                comparison = compare(
                    self._lens, self._vocabulary, done, edited_done, columns, top_k
                )
        return Trace(
            model=self._checkpoint.id,
            prompt=prompt,
            tokens=tuple(self._vocabulary.token(id) for id in ids),
            positions=columns,
            unedited=run,
            edited=edited,
            comparison=comparison,
            interventions=applied(interventions, columns[-1], done, edited_done, boosts),
        )

    def follow(
        self,
        prompt: str,
        tokens: Sequence[int],
        interventions: Sequence[Intervention] = (),
        position: int = -1,
    ) -> Following:
        """Probability, logit and rank of some tokens through all 2 L states (rule 4), both runs.

        Args:
            tokens: ids.
            position: of the prompt; negative ones count from the end.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        (column,) = rules.resolve_positions(as_positions(position), len(ids))
        check_range("tokens", len(tokens), self.limits.max_top_k)
        self._check_interventions(interventions, len(ids))
        followed = known_tokens(self._vocabulary, self.info.vocab_size, tokens)
        with self._gate:
            boosts = self._unedited.boosts(ids)
            plain = self._tracer.forward(ids, (column,), {})
            unedited = edited = follow(self._lens, plain, column, followed)
            edits = rules.merge(self._adapter, interventions, len(ids), boosts)
            if edits:
                changed = self._tracer.forward(ids, (column,), edits)
                edited = follow(self._lens, changed, column, followed)
        return Following(column, unedited, edited if interventions else None)

    def attribute(
        self,
        prompt: str,
        token: int,
        against: int | None = None,
        interventions: Sequence[Intervention] = (),
        position: int = -1,
        top_k: int = 10,
    ) -> Attribution:
        """What every part adds to a token's logit, or to its lead over another (rule 16).

        Args:
            token, against: ids. With `against`: why `token` rather than `against`.
            interventions: what is split is the edited run.
            position: of the prompt; negative ones count from the end.
            top_k: K, sub-updates listed, those of the largest absolute amount.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        (column,) = rules.resolve_positions(as_positions(position), len(ids))
        check_range("top_k", top_k, self.limits.max_top_k)
        self._check_interventions(interventions, len(ids))
        asked = [token] if against is None else [token, against]
        tokens = known_tokens(self._vocabulary, self.info.vocab_size, asked)
        with self._gate:
            boosts = self._unedited.boosts(ids)
            edits = rules.merge(self._adapter, interventions, len(ids), boosts)
            done = self._tracer.forward(ids, (column,), edits)
        return attribute(self._adapter, done, column, tokens, top_k)

    def generate(
        self,
        prompt: str,
        interventions: Sequence[Intervention] = (),
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
        interventions: Sequence[Intervention] = (),
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
        check_range("max_new_tokens", max_new_tokens, self.limits.max_new_tokens)
        check_range("alternatives", alternatives, self.limits.max_top_k)
        self._check_interventions(interventions, len(ids))
        boosts: Sequence[float] = ()
        if any(item.kind == "on" for item in interventions):
            with self._gate:
                boosts = self._unedited.boosts(ids)
        request = Request(
            model=self._checkpoint.id,
            prompt=prompt,
            prompt_ids=ids,
            edits=rules.merge(self._adapter, interventions, len(ids), boosts),
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            alternatives=alternatives,
            eos_token_ids=self._checkpoint.eos_token_ids,
        )
        return GenerationStream(request, self._adapter, self._lens, self._vocabulary, self._gate)

    def project(self, layer: int, dim: int, top_k: int = 50) -> Projection:
        """What a value vector promotes and suppresses: both ends of E · v_i (rule 7).

        Raises:
            UnknownLayer, UnknownDimension, OutOfRange.
        """
        rules.check_value(self._adapter, layer, dim)
        check_range("top_k", top_k, self.limits.max_top_k)
        with torch.inference_mode():
            vector = self._adapter.value_matrix(layer)[dim].float()
            logits = self._lens.unembed(vector.unsqueeze(0))  # [1, V]
            highest, promoted = _top_k(logits, top_k)
            lowest, suppressed = _top_k(-logits, top_k)
            return Projection(
                id=ValueId(layer, dim),
                norm=float(vector.norm()),
                promoted=self._vocabulary.logits(promoted, highest),
                suppressed=self._vocabulary.logits(suppressed, [-x for x in lowest]),
            )

    # --- checks --------------------------------------------------------------------------------

    def _encode(self, prompt: str) -> list[int]:
        if not isinstance(prompt, str):
            raise InvalidInput(f"The prompt must be text, not {type(prompt).__name__}.")
        if not prompt:
            raise EmptyPrompt("The prompt is empty; type at least one character.")
        ids = self._vocabulary.encode(prompt)
        if len(ids) > self._adapter.n_positions:
            raise PromptTooLong(
                f"The prompt has {len(ids)} tokens; this model reads at most "
                f"{self._adapter.n_positions}.",
                n_tokens=len(ids),
                maximum=self._adapter.n_positions,
            )
        return ids

    def _check_interventions(self, interventions: Sequence[Intervention], n_tokens: int) -> None:
        if len(interventions) > self.limits.max_interventions:
            raise TooManyInterventions(
                f"{len(interventions)} interventions; at most {self.limits.max_interventions} are "
                "allowed in one request.",
                count=len(interventions),
                maximum=self.limits.max_interventions,
            )
        rules.check(self._adapter, interventions, n_tokens)


def _top_k(row: torch.Tensor, k: int) -> tuple[list[float], list[int]]:
    """`lens.top_k` of one row [1, N]."""
    values, ids = top_k(row, k)
    return values[0].tolist(), ids[0].tolist()
