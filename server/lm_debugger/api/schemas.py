"""What the server says of itself and takes beside questions, and the one body of every failure.

Checks that need the model (does that layer exist?) are the engine's, so that Python callers get
them too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from lm_debugger.api.progress import Progress
from lm_debugger.engine.nodes import NodeName, name_of
from lm_debugger.engine.types import FinishReason, Kind, ModelInfo, Token
from lm_debugger.json_input import Request, described
from lm_debugger.runs.program import Form
from lm_debugger.runs.schema import RunFile

if TYPE_CHECKING:
    from lm_debugger.api.registry import Entry


class Reply(BaseModel):
    """Bodies we send."""

    model_config = ConfigDict(extra="forbid")


# --- a generation as it is found, and runs --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenerateStart:
    """Data of the stream's `start` event."""

    model: str
    tokens: Annotated[tuple[Token, ...], "the tokens of the prompt"]


@dataclass(frozen=True, slots=True)
class GenerateEnd:
    """Data of the stream's `end` event."""

    text: str
    finish_reason: FinishReason


class CodeRequest(Request):
    run: RunFile = Field(description="what to turn into a program")
    form: Form = Field(description="with this package, or with hooks on a plain transformers model")


class CodeReply(Reply):
    code: str = Field(description="a Python program that prints the run's numbers")


class IndexAction(Request):
    model: str | None = Field(None, description="default: the first model served")
    action: Literal["start", "cancel"] = Field(
        description="start: build what is missing; cancel: stop, what is finished stays"
    )


# --- the server ----------------------------------------------------------------------------------


def _of_a_ready_model() -> dict[str, Any]:
    """The fields of `ModelInfo`; null until the model is ready."""
    hints = get_type_hints(ModelInfo, include_extras=True)
    found: dict[str, Any] = {}
    for field in fields(ModelInfo):
        if field.name != "id":
            kind, told, _ = described(hints[field.name])
            found[field.name] = (kind | None, Field(description=told))
    return found


class _ModelState(Reply):
    id: str
    state: Literal["loading", "ready", "failed"]
    progress: Progress | None = Field(description="while it is loading")
    error: str | None = Field(description="why it failed")


ModelOut = create_model(
    "ModelOut",
    __base__=_ModelState,
    __doc__="One served model; the numbers are null until it is ready.",
    **_of_a_ready_model(),
)


def model_out(entry: Entry) -> BaseModel:
    """One served model as it is now."""
    info = entry.debugger.info if entry.debugger else None
    of_info = (field.name for field in fields(ModelInfo) if field.name != "id")
    return ModelOut(
        id=entry.id,
        state=entry.state,
        progress=entry.progress,
        error=entry.told.message if entry.told else None,
        **{name: getattr(info, name, None) for name in of_info},
    )


class ModelsReply(Reply):
    default: str
    models: list[ModelOut]  # type: ignore[valid-type]


def _name(known: dict[str, Any]) -> str:
    return name_of("value", known["layer"], known["dim"])


class ExampleIntervention(Reply):
    layer: int
    dim: int
    node: NodeName = Field(default_factory=_name)
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
        "`intervention` is its place in the request's list, from 0, and `id` the vector that it "
        "names, 'L9D1'"
    )
    request_id: str


class ErrorReply(Reply):
    """The one error body of every route."""

    error: ErrorBody
