"""The OpenAPI 3.1 document, made from the table of routes and the bodies that it names."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from lm_debugger import __version__
from lm_debugger.api import wire
from lm_debugger.api.route_table import ROUTES
from lm_debugger.api.route_types import EVENTS, JSON, STATUS_TEXT, TEXT, Route
from lm_debugger.api.schemas import ErrorReply

_ANYWHERE = (403, 405, 500)
"""Statuses that any route can answer with: foreign host, wrong method, bug."""
_WORK = (429, 503)
"""And any that is not for operating the server: too often, busy or shutting down."""


def document() -> dict[str, Any]:
    """The document as a JSON-serialisable dict; the same for every server of this version."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LM-Debugger",
            "version": __version__,
            "description": "Trace, intervene in and generate with transformer language models. "
            "Every failure has the one body `ErrorReply`, but for LM-Debugger's own three routes, "
            "where it is a sentence in plain text. All indices are 0-based.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in ROUTES)],
        "paths": paths,
        "components": {"schemas": components},
    }


@cache
def document_text() -> str:
    """The document as it is committed in `frontend/src/api/openapi.json`."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schemas() -> tuple[dict[type[Any], dict[str, Any]], dict[str, Any]]:
    """A reference for every body, and the definitions that they refer to."""
    modes: dict[type[Any], wire.Mode] = {ErrorReply: "serialization"}
    for route in ROUTES:
        if route.body:
            modes[route.body] = "validation"
        for reply in (route.reply, route.unready, *(kind for _, kind in route.events)):
            if reply:
                modes[reply] = "serialization"
    return wire.schemas(modes.items())


def _operation(route: Route, schemas: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
    }
    if route.description:
        operation["description"] = route.description
    if route.params:
        operation["parameters"] = [
            {
                "name": param.name,
                "in": param.place,
                "required": param.required or param.place == "path",
                "description": param.description,
                "schema": param.schema,
            }
            for param in route.params
        ]
    if route.body:
        content: dict[str, Any] = {"schema": schemas[route.body]}
        if route.example:
            content["example"] = route.example
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    operation["responses"] = _responses(route, schemas)
    return operation


def _responses(route: Route, schemas: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "OK", "content": _content(route, schemas)}}
    work = () if route.tag == "operations" else _WORK
    for status in sorted({*route.errors, *_ANYWHERE, *work}):
        reply: dict[str, Any] = {"description": STATUS_TEXT[status]}
        if status >= 400:
            reply["content"] = (
                {TEXT: {"schema": {"type": "string", "description": "the sentence"}}}
                if route.plain_errors
                else {JSON: {"schema": schemas[ErrorReply]}}
            )
        if status in (429, 503):
            reply["headers"] = {
                "Retry-After": {"description": "seconds", "schema": {"type": "integer"}}
            }
        responses[str(status)] = reply
    if route.unready:
        responses["503"] = {
            "description": STATUS_TEXT[503],
            "content": {JSON: {"schema": schemas[route.unready]}},
        }
    return responses


def _events(route: Route, schemas: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    """One server-sent event: its name, and its data, which is JSON in a string."""
    listed = ", ".join(f"`{name}` ({model.__name__})" for name, model in route.events)
    kinds = [
        {
            "type": "object",
            "properties": {
                "event": {"const": name},
                "data": {
                    "type": "string",
                    "contentMediaType": JSON,
                    "contentSchema": schemas[model],
                },
            },
            "required": ["event", "data"],
        }
        for name, model in route.events
    ]
    return {"description": f"Events: {listed}", "oneOf": kinds}


def _content(route: Route, schemas: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    if route.reply:
        return {route.media: {"schema": schemas[route.reply]}}
    if route.events:
        return {EVENTS: {"schema": _events(route, schemas)}}
    if route.free_form:
        return {JSON: {"schema": {"type": "object"}}}
    return {route.media: {"schema": {"type": "string"}}}
