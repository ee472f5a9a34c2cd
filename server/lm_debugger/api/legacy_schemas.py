"""The bodies of LM-Debugger's own HTTP API, word for word (docs/semantics.md, its HTTP API).

Unlike the rest of the wire they ignore unknown keys, because LM-Debugger's client sends some.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from lm_debugger.api.schemas import Reply
from lm_debugger.json_input import Finite, ListOf, Text


class LegacyRequest(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class LegacyIntervention(LegacyRequest):
    """One edit. Only the sign of `coeff` counts: above 0 is on, anything else is off (rule 11)."""

    layer: int = Field(description="0-based layer")
    dim: int = Field(description="0-based dimension")
    coeff: Finite = Field(description="above 0: on; anything else: off")


class LegacyDataRequest(LegacyRequest):
    prompt: Text = Field(description="taken as it is")
    interventions: ListOf[LegacyIntervention] = Field(default=[], description="classic edits")


class LegacyGenerateRequest(LegacyRequest):
    prompt: Text = Field(description="taken as it is")
    generate_k: int = Field(description="at most this many new tokens")
    interventions: ListOf[LegacyIntervention] = Field(default=[], description="classic edits")


class LegacyValueQuery(BaseModel):
    """Path of `/get_projections`; what else is in the address is ignored."""

    model_config = ConfigDict(extra="ignore")

    layer: int = Field(description="0-based layer", json_schema_extra={"minimum": 0})
    dim: int = Field(description="0-based dimension", json_schema_extra={"minimum": 0})


class LegacyTokenScore(Reply):
    token: str
    score: float = Field(description="probability")


class LegacySignificantValue(Reply):
    layer: int
    dim: int
    score: float = Field(description="|coefficient| · norm of the value vector (rule 6)")


class LegacyLayer(Reply):
    layer: int
    predictions_before: list[LegacyTokenScore]
    predictions_after: list[LegacyTokenScore]
    significant_values: list[LegacySignificantValue]


class LegacyResponse(Reply):
    prompt: str
    layers: list[LegacyLayer]


class LegacyDataReply(Reply):
    response: LegacyResponse
    intervention: LegacyResponse | None = Field(
        default=None, description="the edited run; absent without interventions"
    )


class LegacyGenerateReply(Reply):
    generate_text: str = Field(description="prompt + continuation")


class LegacyPieceLogit(Reply):
    token: str = Field(description="raw vocabulary piece, e.g. Ġman")
    logit: float


class LegacyProjectionsReply(Reply):
    layer: int
    dim: int
    top_k: list[LegacyPieceLogit]
