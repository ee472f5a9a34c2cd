"""How each layer's FFN changes the prediction, unedited and edited (rules 1 to 13, 15).

What is read of a run is `reading`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from lm_debugger.engine import showing, weight
from lm_debugger.engine.asked import Intervention, Kind, Positions
from lm_debugger.engine.checks import check_range
from lm_debugger.engine.nodes import NodeName, ValueId
from lm_debugger.engine.questions.base import Answer, AtPositions, Prompt, Runs
from lm_debugger.engine.readings import OF_STATES, Reading
from lm_debugger.engine.tokens import SubUpdate, Token, TokenProb
from lm_debugger.engine.weight import Shape

if TYPE_CHECKING:
    from lm_debugger.engine.model import Model

_BATCH_TOKENS = 256
"""Beyond it a batch is no faster than its requests one after the other, and all wait for it."""


# --- the answer ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateReading:
    """The lens reading of one residual state (rules 4 and 5): its K likeliest tokens."""

    top: tuple[TokenProb, ...]
    entropy: Annotated[float, "of the whole distribution, in nats"]


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """One layer at one position: the residual before its FFN, what the FFN adds, the one after."""

    layer: int
    before: StateReading
    sub_updates: Annotated[
        tuple[SubUpdate, ...], "the dominant ones, K largest scores, largest first (rule 6)"
    ]
    after: StateReading
    share: Annotated[
        float, "sum of the listed sub-updates' scores over that of all of the layer, in [0, 1]"
    ]


@dataclass(frozen=True, slots=True)
class PositionTrace:
    """All L layers at one prompt position."""

    position: int
    layers: tuple[LayerTrace, ...]

    @property
    def prediction(self) -> StateReading:
        """The model's own next-token distribution at this position (rule 4)."""
        return self.layers[-1].after


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of the model over the prompt, read at the positions asked for."""

    positions: tuple[PositionTrace, ...]


@dataclass(frozen=True, slots=True)
class TokenChange:
    """A token's probability in either run."""

    id: int
    text: Annotated[str, "the tokenizer's decoding of this one id"]
    hex: Annotated[str | None, "its bytes, where they are not valid UTF-8 by themselves"]
    unedited: Annotated[float, "probability in the unedited run"]
    edited: Annotated[float, "probability in the edited run"]

    @classmethod
    def of(cls, token: Token, unedited: float, edited: float) -> TokenChange:
        """A token with both."""
        return cls(token.id, token.text, token.hex, unedited, edited)

    @property
    def token(self) -> Token:
        """The token alone."""
        return Token(self.id, self.text, self.hex)


@dataclass(frozen=True, slots=True)
class StateComparison:
    """One state in both runs."""

    kl: Annotated[
        float,
        "KL(edited || unedited) = sum_t q_t ln(q_t / p_t) over the whole vocabulary, in nats",
    ]
    tokens: Annotated[
        tuple[TokenChange, ...],
        "those among the K likeliest of either run, by edited probability, largest first",
    ]


@dataclass(frozen=True, slots=True)
class LayerComparison:
    """One layer at one position, in both runs."""

    layer: int
    before: StateComparison
    after: StateComparison


@dataclass(frozen=True, slots=True)
class PositionComparison:
    """All L layers at one position, in both runs."""

    position: int
    layers: tuple[LayerComparison, ...]


@dataclass(frozen=True, slots=True)
class AppliedIntervention:
    """An intervention as it took effect."""

    layer: int
    dim: int
    node: NodeName
    kind: Kind
    value: float | None
    positions: Positions
    generated: Annotated[bool, "whether generated tokens are edited too"]
    unedited_coefficient: Annotated[float, "m_i at the last traced position, unedited run"]
    edited_coefficient: Annotated[float, "the same, edited run"]
    pre_activation: Annotated[float | None, "rule 9's c for on, 0 for off"]

    @property
    def id(self) -> ValueId:
        """The value vector that is edited."""
        return ValueId(self.layer, self.dim)

    @property
    def intervention(self) -> Intervention:
        """What was asked for; `generated` is None where it was as it is by default."""
        usual = self.generated == (self.positions == "all")
        generated = None if usual else self.generated
        return Intervention(self.layer, self.dim, self.kind, self.value, self.positions, generated)


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Answer):
    """How each layer changes the prediction, without interventions and with them."""

    model: str
    prompt: str
    tokens: Annotated[tuple[Token, ...], "of the prompt"]
    positions: Annotated[tuple[int, ...], "those that are traced"]
    unedited: Run
    edited: Annotated[Run | None, "null if and only if there are no interventions"]
    comparison: Annotated[tuple[PositionComparison, ...] | None, "null as `edited` is"]
    interventions: tuple[AppliedIntervention, ...]
    reading: Annotated[Reading, "how the states' tokens are read"] = OF_STATES

    def to_pandas(self, what: Literal["predictions", "sub_updates"] = "predictions") -> Any:
        """One row per token, or per sub-update, of every layer at every position in every run.

        Args:
            what: "predictions" (run, position, layer, state, rank, token, token_id, prob) or
                "sub_updates" (run, position, layer, rank, dim, vector, coefficient, score).

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
        """
        return showing.way().frame(self, what=what)

    def __repr__(self) -> str:
        runs = "unedited" if self.edited is None else "unedited and edited"
        at = ", ".join(map(str, self.positions))
        return f"<Trace of {self.prompt!r} by {self.model}: {runs}, position {at}>"

    def _repr_html_(self) -> str:
        return showing.way().html(self)


# --- the question --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(AtPositions[Trace]):
    """How does each layer change the prediction, at some positions of a prompt?"""

    positions: Annotated[Positions, "positions to trace"] = "last"
    top_k: Annotated[int, "tokens and sub-updates per layer"] = 10

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidInput."""
        top_k = check_range("top_k", self.top_k, model.limits.max_top_k)
        return AtPositions.checked(replace(self, top_k=top_k), model, prompt)

    def weight(self, shape: Shape) -> int:
        """One run, or two and what they differ in: comparisons of K tokens each, at least."""
        listed = 2 * len(self.columns) * shape.n_layers * min(self.top_k, shape.vocab_size)
        return self._weight(shape, listed)

    def weight_told(self, shape: Shape, answer: Trace) -> int | None:
        """How many tokens comparisons list, K to 2 K, only the runs can tell."""
        if answer.comparison is None:
            return None
        layers = (layer for position in answer.comparison for layer in position.layers)
        listed = sum(len(layer.before.tokens) + len(layer.after.tokens) for layer in layers)
        return self._weight(shape, listed)

    def _weight(self, shape: Shape, listed: int) -> int:
        tokens, updates = min(self.top_k, shape.vocab_size), min(self.top_k, shape.ffn_width)
        state = weight.STATE + tokens * weight.TOKEN_PROB
        layer = 2 * state + updates * weight.SUB_UPDATE + weight.LAYER
        n_positions = len(self.columns)
        run = n_positions * (weight.POSITION + shape.n_layers * layer)
        if not self.interventions:
            return run
        beside = weight.POSITION + shape.n_layers * (2 * weight.STATE + weight.LAYER)
        return 2 * run + n_positions * beside + listed * weight.TOKEN_CHANGE

    @classmethod
    def fit(cls, asked: Sequence[tuple[Self, Prompt]]) -> bool:
        """Short prompts of about one length, at single positions."""
        lengths = [len(prompt.ids) for _, prompt in asked]
        padded = max(lengths) * len(lengths)
        single = all(len(each.columns) == 1 for each, _ in asked)
        return single and padded <= min(_BATCH_TOKENS, 1.5 * sum(lengths))

    @classmethod
    def answers(cls, model: Model, asked: Sequence[tuple[Self, Runs]]) -> list[Trace]:
        """Several with one product of all their states."""
        reader = model.reader
        # Of several at once, only those with edits are worth their memory.
        alone = len(asked) == 1
        reader.read(
            [
                reader.wanted(kept, each.columns, each.top_k, bool(each.interventions) or alone)
                for each, runs in asked
                for kept in (runs.unedited, runs.edited)
            ]
        )
        found = [each.answer(model, runs) for each, runs in asked]
        for each, runs in asked:
            reader.let_go((runs.unedited, runs.edited), each.columns, each.top_k)
        return found

    def answer(self, model: Model, runs: Runs) -> Trace:
        """Of two runs, which are read if they are not yet."""
        reader, columns, k = model.reader, self.columns, self.top_k
        unedited, edited, comparison = reader.run(runs.unedited, columns, k), None, None
        if self.interventions:
            edited = reader.run(runs.edited, columns, k)
            comparison = reader.compare(runs.unedited, runs.edited, columns, k)
        return Trace(
            model=model.name,
            prompt=runs.prompt.text,
            tokens=model.tokens(runs.prompt.ids),
            positions=columns,
            unedited=unedited,
            edited=edited,
            comparison=comparison,
            interventions=self._applied(model, runs),
        )

    def _applied(self, model: Model, runs: Runs) -> tuple[AppliedIntervention, ...]:
        """How each intervention took effect at the last position that is traced."""
        if not self.interventions:
            return ()
        from lm_debugger.engine.interventions import pre_activation

        boosts = model.runner.boosts(runs.unedited.done)
        last = self.columns[-1:]
        before, after = (
            model.coefficients(run, last)[:, 0] for run in (runs.unedited, runs.edited)
        )
        return tuple(
            AppliedIntervention(
                layer=item.layer,
                dim=item.dim,
                node=str(item.id),
                kind=item.kind,
                value=item.value,
                positions=item.positions,
                generated=item.edits_generated,
                unedited_coefficient=float(before[item.layer, item.dim]),
                edited_coefficient=float(after[item.layer, item.dim]),
                pre_activation=pre_activation(model.adapter, item, boosts),
            )
            for item in self.interventions
        )
