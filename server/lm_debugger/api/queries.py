"""Paths and queries of addresses, as they are read: everything arrives as text, so "7" is a number
and "true" a truth value. `json_input` says what is wrong with one, the OpenAPI document is made of
these too.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lm_debugger.engine.questions import find_tokens, project
from lm_debugger.json_input import request_of

_COUNTED: dict[str, Any] = {"minimum": 1}
_FROM_0: dict[str, Any] = {"minimum": 0}


class Query(BaseModel):
    """What every address may name."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="default: the first model served")


@request_of(find_tokens.Ask)
class TokensQuery(Query):
    """Of `/tokens`."""


@request_of(project.Ask)
class ValueQuery(Query):
    """Of a value vector."""


class KeywordQuery(Query):
    q: str = Field(
        description="keywords, separated by commas", json_schema_extra={"example": "music, song"}
    )
    n: int = Field(5, description="results", json_schema_extra=_COUNTED)


class ConceptQuery(Query):
    q: str = Field(
        description="words, separated by commas; a minus before those to demote",
        json_schema_extra={"example": "music, song, -school"},
    )
    n: int = Field(20, description="results", json_schema_extra=_COUNTED)
    normalised: bool = Field(False, description="divide by the vector's norm")
    first_layer: int | None = Field(
        None, description="first layer to search; default: 0", json_schema_extra=_FROM_0
    )
    last_layer: int | None = Field(
        None,
        description="last layer to search; default: the last",
        json_schema_extra=_FROM_0,
    )


class PlaceQuery(Query):
    layer: int = Field(description="0-based layer", json_schema_extra=_FROM_0)
    dim: int = Field(description="0-based dimension", json_schema_extra=_FROM_0)


class NeighbourQuery(PlaceQuery):
    n: int = Field(10, description="results", json_schema_extra=_COUNTED)
    opposite: bool = Field(False, description="what opposes the vector instead")


class ClusterQuery(Query):
    cluster: int = Field(description="number of the cluster", json_schema_extra=_FROM_0)
    seed: int = Field(0, ge=0, le=2**31, description="which ten members come first")
    offset: int = Field(0, ge=0, description="members to skip")
    n: int = Field(10, description="members to list", json_schema_extra=_COUNTED)
