"""What comes out of the engine: frozen values without behaviour. What goes in is in `asked`, and
can be imported from here too.

Letters used for shapes throughout the engine (0-based indices everywhere):

    L  layers (transformer blocks)          T  tokens of the prompt
    F  FFN width, = value vectors a layer   P  positions asked for, P <= T
    D  model width (`n_embd`)               K  shown items (`top_k`)
    V  vocabulary                           S  residual states put through the lens together

"Rule N" refers to the numbered rules of docs/semantics.md, which restates the behaviour of
LM-Debugger (Geva et al., 2022, arXiv 2204.12130) and of "Transformer Feed-Forward Layers Build
Predictions by Promoting Concepts in the Vocabulary Space" (Geva et al., 2022, arXiv 2203.14680).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lm_debugger.engine.asked import (
    GREEDY,
    KINDS,
    LIMITS,
    Intervention,
    InterventionsLike,
    Kind,
    Limits,
    Positions,
    Sampling,
    ValueId,
    as_interventions,
    as_positions,
)
from lm_debugger.engine.baked import Baked, BakedEdit
from lm_debugger.engine.why_types import (
    Attribution,
    Contribution,
    Followed,
    Following,
    Grid,
    GridRun,
    Projection,
    SubUpdate,
    SubUpdateDetail,
    Token,
    TokenLogit,
    TokenProb,
)

__all__ = [
    "GREEDY",
    "KINDS",
    "LIMITS",
    "AppliedIntervention",
    "Attribution",
    "Baked",
    "BakedEdit",
    "Contribution",
    "FinishReason",
    "Followed",
    "Following",
    "Generation",
    "GenerationStep",
    "Grid",
    "GridRun",
    "Intervention",
    "InterventionsLike",
    "Kind",
    "LayerComparison",
    "LayerTrace",
    "Limits",
    "ModelInfo",
    "PositionComparison",
    "PositionTrace",
    "Positions",
    "Projection",
    "Run",
    "Sampling",
    "StateComparison",
    "StateReading",
    "SubUpdate",
    "SubUpdateDetail",
    "Token",
    "TokenChange",
    "TokenLogit",
    "TokenProb",
    "Trace",
    "ValueId",
    "as_interventions",
    "as_positions",
]

FinishReason: TypeAlias = Literal["length", "end_of_text", "context_full", "stopped"]


@dataclass(frozen=True, slots=True)
class StateReading:
    """The lens reading of one residual state (rules 4 and 5): its K likeliest tokens.

    `entropy` is that of the whole distribution over V, in nats.
    """

    top: tuple[TokenProb, ...]
    entropy: float


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """One layer at one position: the residual before its FFN, what the FFN adds, the one after.

    `sub_updates` are the dominant ones, K largest scores, largest first (rule 6); `share` is the
    sum of their scores over the sum of all F scores of the layer, in [0, 1].
    """

    layer: int
    before: StateReading
    sub_updates: tuple[SubUpdate, ...]
    after: StateReading
    share: float


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

    token: Token
    unedited: float
    edited: float


@dataclass(frozen=True, slots=True)
class StateComparison:
    """One state in both runs.

    `kl` is KL(edited || unedited) = sum_t q_t ln(q_t / p_t) over the whole vocabulary, in nats.
    `tokens` are those among the K likeliest of either run, by edited probability, largest first.
    """

    kl: float
    tokens: tuple[TokenChange, ...]


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
    """An intervention as it took effect.

    The coefficients are those at the last position asked for, in either run.
    `pre_activation` is rule 9's c for "on", 0 for "off", else None.
    """

    intervention: Intervention
    unedited_coefficient: float
    edited_coefficient: float
    pre_activation: float | None


@dataclass(frozen=True, slots=True)
class Trace:
    """The answer to `Debugger.trace`; `edited` and `comparison` are None if and only if there are
    no interventions."""

    model: str
    prompt: str
    tokens: tuple[Token, ...]
    positions: tuple[int, ...]
    unedited: Run
    edited: Run | None
    comparison: tuple[PositionComparison, ...] | None = None
    interventions: tuple[AppliedIntervention, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """One generated token: `prob` is the (edited) model's own probability, before any temperature.

    `alternatives` are the likeliest tokens at that step, the chosen one among them if it is so
    likely.
    """

    index: int
    token: Token
    prob: float
    alternatives: tuple[TokenProb, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """The answer to `Debugger.generate`. `text` is prompt + continuation without special tokens
    (rule 14). The end-of-text token, where it ended the run, is not among the steps."""

    model: str
    prompt: str
    text: str
    steps: tuple[GenerationStep, ...]
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a loaded model.

    `activation` is its config's name for act, `activation_at_zero` is act(0), which "off" writes
    (rule 9), of the layer where it is farthest from 0.
    """

    id: str
    architecture: str
    n_layers: int
    ffn_width: int
    d_model: int
    n_heads: int
    vocab_size: int
    n_positions: int
    n_parameters: int
    tied_unembedding: bool
    activation: str
    activation_at_zero: float
    dtype: str
    device: str
    eos_token: Token | None = field(default=None)
