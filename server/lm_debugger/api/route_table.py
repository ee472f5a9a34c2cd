"""Every route of the server, described once.

`openapi.py` turns this table into the OpenAPI document and `docs.py` into the page at `/docs`; a
test compares it with the routes that the Flask application really has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from lm_debugger.api import legacy_schemas as old
from lm_debugger.api import schemas as wire
from lm_debugger.api import schemas_explore as explore

JSON = "application/json"
EVENTS = "text/event-stream"
HTML = "text/html"


@dataclass(frozen=True)
class Param:
    """A part of the path or of the query string."""

    name: str
    place: Literal["path", "query"]
    schema: dict[str, Any]
    description: str
    required: bool = False
    """Parts of a path always are."""


@dataclass(frozen=True)
class Route:
    """One method on one path. Without a `reply` the body is not JSON; `media` says what it is."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    tag: str
    summary: str
    description: str = ""
    params: tuple[Param, ...] = ()
    body: type[BaseModel] | None = None
    example: dict[str, Any] | None = None
    reply: type[BaseModel] | None = None
    media: str = JSON
    events: tuple[tuple[str, type[BaseModel]], ...] = ()
    errors: tuple[int, ...] = ()
    unready: type[BaseModel] | None = None
    """Body of a 503 that is this route's proper answer, not an error."""
    free_form: bool = False
    """The JSON reply has no schema of its own (the OpenAPI document itself)."""


STATUS_TEXT = {
    304: "Not modified: the copy named by `If-None-Match` is still right.",
    400: "The body is not what it claims to be: broken JSON, or not UTF-8.",
    403: "The `Host` header names a host that this server does not serve.",
    404: "No such model, or no such layer or dimension in it.",
    405: "The path exists, but not with this method.",
    413: "The body is larger than the setting `max_body_bytes` allows.",
    415: "The body must be sent as `application/json`.",
    422: "Well-formed, but a value is missing, unknown, of the wrong type or out of range.",
    500: "A bug of the server. The reply carries a request id; the log has the rest under it.",
    503: "Not now: the model is loading or its queue full; `Retry-After` says when to ask again.",
}

_LAYER = Param("layer", "path", {"type": "integer", "minimum": 0}, "0-based layer")
_DIM = Param("dim", "path", {"type": "integer", "minimum": 0}, "0-based dimension")
_POST_ERRORS = (400, 404, 413, 415, 422, 503)
_PROMPT = "My wife is working as a"

_MODEL = Param("model", "query", {"type": "string"}, "default: the first model served")
_N = {"type": "integer", "minimum": 1, "maximum": 200}


def _flag(name: str, description: str) -> Param:
    return Param(name, "query", {"type": "boolean", "default": False}, description)


def _number(name: str, description: str, **schema: int) -> Param:
    return Param(name, "query", {"type": "integer", "minimum": 0, **schema}, description)


_EXPLORE: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/index",
        "readIndex",
        "exploring",
        "How far the index of a model is",
        "The index is built in the background; views fill as layers finish.",
        params=(_MODEL,),
        reply=explore.IndexReply,
        errors=(404, 422, 503),
    ),
    Route(
        "POST",
        "/api/v1/index",
        "changeIndex",
        "exploring",
        "Start or cancel building the index",
        "Starting goes on where a build was cancelled, and does nothing where one is running.",
        body=explore.IndexAction,
        example={"action": "start"},
        reply=explore.IndexReply,
        errors=_POST_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/search/keywords",
        "searchKeywords",
        "exploring",
        "Value vectors that promote keywords",
        "BM25 over the 50 promoted tokens of every vector (rule 17), as far as the index is built. "
        "Upper and lower case are the same; several keywords are combined with OR.",
        params=(
            Param(
                "q",
                "query",
                {"type": "string", "example": "music, song"},
                "keywords, separated by commas",
                required=True,
            ),
            Param("n", "query", {**_N, "default": 5}, "results"),
            _MODEL,
        ),
        reply=explore.KeywordReply,
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/search/concepts",
        "searchConcepts",
        "exploring",
        "Value vectors that promote some words and demote others",
        "All vectors ranked by the exact mean logit of the promoted words minus that of the "
        "demoted ones, over the full vocabulary. Needs no index.",
        params=(
            Param(
                "q",
                "query",
                {"type": "string", "example": "music, song, -school"},
                "words, separated by commas; a minus before those to demote",
                required=True,
            ),
            Param("n", "query", {**_N, "default": 20}, "results"),
            _flag("normalised", "divide by the vector's norm"),
            _number("first_layer", "first layer to search"),
            _number("last_layer", "last layer to search"),
            _MODEL,
        ),
        reply=explore.ConceptReply,
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}/neighbours",
        "readNeighbours",
        "exploring",
        "The value vectors nearest to one by cosine, or most opposed to it",
        params=(
            _LAYER,
            _DIM,
            Param("n", "query", {**_N, "default": 10}, "results"),
            _flag("opposite", "what opposes the vector instead"),
            _MODEL,
        ),
        reply=explore.NeighboursReply,
        errors=(304, 404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}/place",
        "readPlace",
        "exploring",
        "Where a value vector stands: its norm's rank, its cluster",
        params=(_LAYER, _DIM, _MODEL),
        reply=explore.PlaceReply,
        errors=(404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/clusters",
        "listClusters",
        "exploring",
        "All clusters of value vectors",
        params=(_MODEL,),
        reply=explore.ClustersReply,
        errors=(304, 404, 422, 503),
    ),
    Route(
        "GET",
        "/api/v1/clusters/{cluster}",
        "readCluster",
        "exploring",
        "One cluster: its tokens and members",
        "Ten random members come first, the same ones for the same seed; then the rest in order.",
        params=(
            Param("cluster", "path", {"type": "integer", "minimum": 0}, "number of the cluster"),
            _number("seed", "which ten come first", maximum=2**31, default=0),
            _number("offset", "members to skip", default=0),
            Param("n", "query", {**_N, "default": 10}, "members to list"),
            _MODEL,
        ),
        reply=explore.ClusterReply,
        errors=(304, 404, 422, 503),
    ),
)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/models",
        "listModels",
        "models",
        "The models served",
        "The default model comes first. A model is `loading`, then `ready` or `failed`.",
        reply=wire.ModelsReply,
    ),
    Route(
        "POST",
        "/api/v1/trace",
        "trace",
        "debugging",
        "How each layer changes the prediction",
        "Per layer: the tokens predicted before its FFN, the dominant sub-updates, and the tokens "
        "predicted after it (rules 1 to 7). With interventions the edited run comes too.",
        body=wire.TraceRequest,
        example={
            "prompt": _PROMPT,
            "interventions": [{"layer": 5, "dim": 541, "kind": "on"}],
            "top_k": 5,
        },
        reply=wire.TraceReply,
        errors=_POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/generate",
        "generate",
        "debugging",
        "Continue a prompt",
        "Greedy unless `sampling` says otherwise (rule 14); interventions hold while generating.",
        body=wire.GenerateRequest,
        example={"prompt": _PROMPT, "max_new_tokens": 5},
        reply=wire.GenerateReply,
        errors=_POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/generate/stream",
        "generateStream",
        "debugging",
        "Continue a prompt, token by token",
        "Server-sent events: one `start`, a `step` for every token, one `end`; `error` instead of "
        "`end` if something fails on the way. The request is checked before the first byte is "
        "sent. Closing the connection stops the generation.",
        body=wire.GenerateRequest,
        example={"prompt": _PROMPT, "max_new_tokens": 5},
        media=EVENTS,
        events=(
            ("start", wire.GenerateStart),
            ("step", wire.StepOut),
            ("end", wire.GenerateEnd),
            ("error", wire.ErrorReply),
        ),
        errors=_POST_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}",
        "readValue",
        "debugging",
        "The tokens that a value vector promotes and suppresses",
        "The extremes of E · v (rule 7). The answer never changes for a loaded model: it carries "
        "an `ETag`.",
        params=(
            _LAYER,
            _DIM,
            Param("model", "query", {"type": "string"}, "default: the first model served"),
            Param(
                "top_k",
                "query",
                {"type": "integer", "minimum": 1, "default": 50},
                "tokens at each end",
            ),
        ),
        reply=wire.ValueReply,
        errors=(304, 404, 422, 503),
    ),
    *_EXPLORE,
    Route(
        "GET",
        "/api/v1/settings",
        "readSettings",
        "server",
        "Limits and settings of this server",
        reply=wire.SettingsReply,
    ),
    Route(
        "GET",
        "/api/v1/examples",
        "listExamples",
        "server",
        'The prompts of "Select Example"',
        reply=wire.ExamplesReply,
    ),
    Route(
        "GET",
        "/get_projections/layer/{layer}/dim/{dim}",
        "legacyProjections",
        "LM-Debugger compatibility",
        "Reading of a value vector, as LM-Debugger gave it",
        "Raw vocabulary pieces of the default model.",
        params=(_LAYER, _DIM),
        reply=old.LegacyProjectionsReply,
        errors=(404, 422, 503),
    ),
    Route(
        "POST",
        "/get_data",
        "legacyTrace",
        "LM-Debugger compatibility",
        "Trace of the last position, as LM-Debugger gave it",
        "Default model. `coeff` is read by its sign; `score` of a prediction is its probability; "
        "unknown keys are ignored.",
        body=old.LegacyDataRequest,
        example={"prompt": _PROMPT, "interventions": [{"layer": 5, "dim": 541, "coeff": 1}]},
        reply=old.LegacyDataReply,
        errors=_POST_ERRORS,
    ),
    Route(
        "POST",
        "/generate",
        "legacyGenerate",
        "LM-Debugger compatibility",
        "Continue a prompt, as LM-Debugger did",
        "Default model, greedy. Unknown keys are ignored.",
        body=old.LegacyGenerateRequest,
        example={"prompt": _PROMPT, "generate_k": 5, "interventions": []},
        reply=old.LegacyGenerateReply,
        errors=_POST_ERRORS,
    ),
    Route(
        "GET",
        "/healthz",
        "health",
        "operations",
        "Is the process alive?",
        reply=wire.HealthReply,
    ),
    Route(
        "GET",
        "/readyz",
        "ready",
        "operations",
        "Does a model answer?",
        "200 as soon as one model is ready; 503 with `Retry-After` before.",
        reply=wire.ReadyReply,
        unready=wire.ReadyReply,
    ),
    Route(
        "GET",
        "/version",
        "version",
        "operations",
        "Version of the server and of its API",
        reply=wire.VersionReply,
    ),
    Route(
        "GET",
        "/openapi.json",
        "openapi",
        "operations",
        "This document",
        free_form=True,
    ),
    Route(
        "GET",
        "/docs",
        "docs",
        "operations",
        "This document, to read",
        media=HTML,
    ),
)
