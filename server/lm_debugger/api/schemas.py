"""The wire: every body that `/api/v1` takes or gives, as pydantic models.

These classes are the one source of `openapi.json` and, through it, of the page's TypeScript types.
`dump.py` turns engine values into them; checks that need the model (does that layer exist?) are the
engine's, so that Python callers get them too.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lm_debugger.engine.types import Kind
from lm_debugger.json_input import ListOf, Request, Text
from lm_debugger.runs.schema import InterventionIn, SamplingIn


class Reply(BaseModel):
    """Bodies we send."""

    model_config = ConfigDict(extra="forbid")


# --- requests ----------------------------------------------------------------------------------


class TraceRequest(Request):
    model: str | None = Field(default=None, description="default: the first model served")
    prompt: Text = Field(description="taken as it is: nothing added, nothing stripped (rule 1)")
    interventions: ListOf[InterventionIn] = Field(
        default=[], description="edits; of two on one vector the last wins"
    )
    positions: Literal["all", "last"] | ListOf[int] = Field(
        default="last", description="positions to trace"
    )
    top_k: int = Field(default=10, description="tokens and sub-updates per layer")


class GenerateRequest(Request):
    model: str | None = Field(default=None, description="default: the first model served")
    prompt: Text = Field(description="taken as it is: nothing added, nothing stripped (rule 1)")
    interventions: ListOf[InterventionIn] = Field(
        default=[], description="edits; of two on one vector the last wins"
    )
    max_new_tokens: int = Field(default=10, description="at most so many tokens are added")
    sampling: SamplingIn = Field(default=SamplingIn(), description="default: greedy")
    alternatives: int = Field(default=5, description="likeliest tokens listed with every step")


class ValueQuery(BaseModel):
    """Path and query of `GET /values/<layer>/<dim>`; they arrive as text, so "7" is a number."""

    model_config = ConfigDict(extra="forbid")

    layer: int
    dim: int
    model: str | None = None
    top_k: int = 50


# --- replies -----------------------------------------------------------------------------------


class TokenOut(Reply):
    id: int
    text: str = Field(description="the tokenizer's decoding of this one id")
    hex: str | None = Field(description="its bytes, where they are not valid UTF-8 by themselves")


class TokenProbOut(TokenOut):
    prob: float


class TokenLogitOut(TokenOut):
    piece: str = Field(description="raw vocabulary piece, e.g. Ġman")
    logit: float


class StateOut(Reply):
    """Lens reading of one residual state (rules 4 and 5)."""

    top: list[TokenProbOut]
    entropy: float = Field(description="of the whole distribution, in nats")


class SubUpdateOut(Reply):
    """Rule 6."""

    layer: int
    dim: int
    coefficient: float
    score: float


class LayerOut(Reply):
    layer: int
    before: StateOut
    sub_updates: list[SubUpdateOut]
    after: StateOut
    share: float = Field(
        description="sum of the listed sub-updates' scores over that of all of the layer"
    )


class PositionOut(Reply):
    position: int
    layers: list[LayerOut]


class RunOut(Reply):
    positions: list[PositionOut]


class TokenChangeOut(TokenOut):
    unedited: float = Field(description="probability in the unedited run")
    edited: float = Field(description="probability in the edited run")


class StateComparisonOut(Reply):
    """One state in both runs."""

    kl: float = Field(description="KL(edited || unedited) over the vocabulary, in nats")
    tokens: list[TokenChangeOut] = Field(description="the likeliest of either run")


class LayerComparisonOut(Reply):
    layer: int
    before: StateComparisonOut
    after: StateComparisonOut


class PositionComparisonOut(Reply):
    position: int
    layers: list[LayerComparisonOut]


class AppliedInterventionOut(Reply):
    layer: int
    dim: int
    kind: Kind
    value: float | None
    positions: Literal["all", "last"] | list[int]
    generated: bool
    unedited_coefficient: float = Field(description="m_i at the last traced position, unedited run")
    edited_coefficient: float = Field(description="the same, edited run")
    pre_activation: float | None = Field(description="rule 9's c for on, 0 for off")


class TraceReply(Reply):
    model: str
    prompt: str
    tokens: list[TokenOut]
    positions: list[int]
    unedited: RunOut
    edited: RunOut | None = Field(description="null if and only if no interventions were sent")
    comparison: list[PositionComparisonOut] | None = Field(description="null as `edited` is")
    interventions: list[AppliedInterventionOut]


class StepOut(Reply):
    index: int
    token: TokenOut
    prob: float = Field(description="the model's own probability, before any temperature")
    alternatives: list[TokenProbOut]


class GenerateReply(Reply):
    model: str
    prompt: str
    text: str = Field(description="prompt + continuation, special tokens left out")
    steps: list[StepOut]
    finish_reason: Literal["length", "end_of_text", "context_full", "stopped"]


class GenerateStart(Reply):
    """Data of the stream's `start` event."""

    model: str
    tokens: list[TokenOut] = Field(description="the tokens of the prompt")


class GenerateEnd(Reply):
    """Data of the stream's `end` event."""

    text: str
    finish_reason: Literal["length", "end_of_text", "context_full", "stopped"]


class ValueReply(Reply):
    """What one value vector promotes and suppresses (rule 7)."""

    model: str
    layer: int
    dim: int
    norm: float
    promoted: list[TokenLogitOut]
    suppressed: list[TokenLogitOut]


class ProgressOut(Reply):
    """How far a model is that is loading."""

    stage: Literal["waiting", "starting", "downloading", "reading"]
    done: int = Field(description="bytes when downloading, tensors when reading, else 0")
    total: int | None = Field(description="of the same; null where it is not known")


class ModelOut(Reply):
    """One served model; the numbers are null until it is ready."""

    id: str
    state: Literal["loading", "ready", "failed"]
    progress: ProgressOut | None = Field(description="while it is loading")
    error: str | None = Field(description="why it failed")
    architecture: str | None
    n_layers: int | None
    ffn_width: int | None
    d_model: int | None
    n_heads: int | None
    vocab_size: int | None
    n_positions: int | None
    n_parameters: int | None
    tied_unembedding: bool | None
    activation: str | None
    activation_at_zero: float | None = Field(
        description="act(0), which 'off' writes (rule 9), where it is farthest from 0"
    )
    dtype: str | None
    device: str | None


class ModelsReply(Reply):
    default: str
    models: list[ModelOut]


class ExampleIntervention(Reply):
    layer: int
    dim: int
    kind: Kind
    value: float | None
    name: str | None = Field(description="what the vector is about, shown instead of L12D34")


class ExampleOut(Reply):
    """One entry of "Select Example"."""

    id: str
    title: str
    prompt: str
    note: str | None = Field(description="one sentence on what to look at")
    interventions: list[ExampleIntervention]
    model: str | None = Field(description="the model it was made for; null: any")


class ExamplesReply(Reply):
    examples: list[ExampleOut]


class SettingOut(Reply):
    """One row of the table of settings. `value` is null where it is not for the public."""

    name: str
    value: str | int | float | bool | list[str] | None
    default: str | int | float | bool | list[str] | None
    description: str
    flag: str | None
    environment: str


class LimitsOut(Reply):
    """The settings of these names: what one request may ask for."""

    max_interventions: int
    max_top_k: int
    max_new_tokens: int
    max_positions: int
    max_prompt_chars: int
    max_reply_mb: int | None = Field(
        description="what is asked for is multiplied, and refused where it comes to more; null: any"
    )


class SettingsReply(Reply):
    limits: LimitsOut
    settings: list[SettingOut]


class HealthReply(Reply):
    status: Literal["alive"]


class ReadyReply(Reply):
    status: Literal["ready", "loading", "failed"]
    models: dict[str, Literal["loading", "ready", "failed"]]


class VersionReply(Reply):
    version: str
    api: Literal["v1"]
    page: str | None = Field(description="which build of the page is served; null: none")
    instance: str = Field(description="another one after every start of the server")


class ErrorBody(Reply):
    code: str
    message: str
    details: dict[str, object] = Field(
        description="the values behind the sentence; where one intervention is refused, "
        "`intervention` is its place in the request's list, from 0, and `id` its vector, 'L9D1'"
    )
    request_id: str


class ErrorReply(Reply):
    """The one error body of every route."""

    error: ErrorBody
