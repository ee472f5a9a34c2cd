"""What a route is described by; `route_table` describes every route with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel

from lm_debugger.api import wire

JSON = "application/json"
EVENTS = "text/event-stream"
HTML = "text/html"
TEXT = "text/plain"


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
    query: type[BaseModel] | None = None
    """What the path and the query string are read as."""
    body: type[BaseModel] | None = None
    example: dict[str, Any] | None = None
    reply: type[Any] | None = None
    """A dataclass or a model; see `wire`."""
    media: str = JSON
    events: tuple[tuple[str, type[Any]], ...] = ()
    errors: tuple[int, ...] = ()
    unready: type[BaseModel] | None = None
    """Body of a 503 that is this route's proper answer, not an error."""
    plain_errors: bool = False
    """A failure's body is its sentence as plain text, not `ErrorReply`."""
    free_form: bool = False
    """The JSON reply has no schema of its own (the OpenAPI document itself)."""

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """What is read of the address: parts of the path first."""
        if self.query is None:
            return ()
        found = []
        for name, schema in wire.parameters(self.query).items():
            in_path = f"{{{name}}}" in self.path
            required, told = schema.pop("required"), schema.pop("description")
            place: Literal["path", "query"] = "path" if in_path else "query"
            found.append(Param(name, place, schema, told, required and not in_path))
        return tuple(sorted(found, key=lambda param: param.place))


STATUS_TEXT = {
    304: "Not modified: the copy named by `If-None-Match` is still right.",
    400: "The body is not what it claims to be: broken JSON, or not UTF-8.",
    403: "The `Host` header names a host that this server does not serve; or a hosted server does "
    "this for nobody.",
    404: "No such model, or no such layer or dimension in it.",
    405: "The path exists, but not with this method.",
    413: "The body is larger than the setting `max_body_bytes` allows.",
    415: "The body must be sent as `application/json`.",
    422: "Well-formed, but a value is missing, unknown, of the wrong type or out of range.",
    429: "More requests in a minute, or at once, than one client may send, in hosted mode (the "
    "settings `max_requests_per_minute`, `max_requests_at_once`); `Retry-After` says when to ask "
    "again.",
    500: "A bug of the server. The reply carries a request id; the log has the rest under it.",
    503: "Not now: the model is loading, its queue full, the request took too long or the server "
    "ends; `Retry-After` says when to ask again.",
}

POST_ERRORS = (400, 404, 413, 415, 422, 503)
GET_ERRORS = (404, 422, 503)
UNCHANGING_ERRORS = (304, *GET_ERRORS)
"""Of what carries an `ETag`."""
