"""What goes into the engine and what comes out of it, in one place to import from: frozen values
without behaviour. Each is declared beside the question that it belongs to, in `questions`, in
`tokens` where several share it, or in `asked` where it is given.

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

from dataclasses import dataclass
from typing import Annotated

from lm_debugger.engine.asked import (
    GREEDY,
    KINDS,
    Intervention,
    InterventionsLike,
    Kind,
    Positions,
    PositionsLike,
    Sampling,
    as_interventions,
    as_positions,
)
from lm_debugger.engine.baked import Baked, BakedEdit
from lm_debugger.engine.equalities import Equality, SelfCheck
from lm_debugger.engine.limits import LIMITS, Limits
from lm_debugger.engine.nodes import ValueId
from lm_debugger.engine.questions.attribute import Attribution, Contribution
from lm_debugger.engine.questions.find_tokens import Tokens
from lm_debugger.engine.questions.follow import Followed, Following
from lm_debugger.engine.questions.generate import FinishReason, Generation, GenerationStep
from lm_debugger.engine.questions.grid import Grid, GridRun
from lm_debugger.engine.questions.project import Projection
from lm_debugger.engine.questions.sub_updates import SubUpdateDetail, SubUpdates
from lm_debugger.engine.questions.trace import (
    AppliedIntervention,
    LayerComparison,
    LayerTrace,
    PositionComparison,
    PositionTrace,
    Run,
    StateComparison,
    StateReading,
    TokenChange,
    Trace,
)
from lm_debugger.engine.readings import Reading
from lm_debugger.engine.tokens import SubUpdate, Token, TokenLogit, TokenProb

__all__ = [
    "GREEDY",
    "KINDS",
    "LIMITS",
    "AppliedIntervention",
    "Attribution",
    "Baked",
    "BakedEdit",
    "Contribution",
    "Equality",
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
    "PositionsLike",
    "Projection",
    "Reading",
    "Run",
    "Sampling",
    "SelfCheck",
    "StateComparison",
    "StateReading",
    "SubUpdate",
    "SubUpdateDetail",
    "SubUpdates",
    "Token",
    "TokenChange",
    "TokenLogit",
    "TokenProb",
    "Tokens",
    "Trace",
    "ValueId",
    "as_interventions",
    "as_positions",
]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a loaded model."""

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
    activation: Annotated[str, "its config's name for act"]
    activation_at_zero: Annotated[
        float, "act(0), which 'off' writes (rule 9), where it is farthest from 0"
    ]
    dtype: str
    device: str
    eos_token: Annotated[Token | None, "the first of those that end a text"]
    gated: Annotated[bool, "whether coefficients are act(gate) * up: 'on' is by score (rule 19)"]
    parallel: Annotated[bool, "whether attention and FFN read the same residual (rule 21)"]
    post_norm: Annotated[bool, "whether a norm stands behind the FFN (rule 20)"]
    capabilities: Annotated[tuple[str, ...], "what this model can be asked"]
    self_check: Annotated[SelfCheck, "how far it is from transformers on this machine (rule 25)"]
