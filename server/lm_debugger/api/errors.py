"""Exceptions -> HTTP. The only place where the two meet.

Every failure is answered with `{error: {code, message, details, request_id}}`; never with a
traceback, never with status 200.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from lm_debugger.api.middleware import request_id
from lm_debugger.api.schemas import ErrorBody, ErrorReply
from lm_debugger.errors import (
    DebuggerError,
    LoadError,
    Unavailable,
    UnknownCluster,
    UnknownDimension,
    UnknownLayer,
    UnknownModel,
)
from lm_debugger.json_input import BrokenJson

log = logging.getLogger(__name__)

_HTTP_CODES = {
    400: "bad_request",
    403: "foreign_host",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


def status_of(error: DebuggerError, method: str) -> int:
    """400 unreadable, 404 no such thing, 422 readable but wrong, 503 not now."""
    match error:
        case BrokenJson():
            return 400
        case UnknownModel():
            return 404
        case UnknownLayer() | UnknownDimension() | UnknownCluster() if method in ("GET", "HEAD"):
            return 404  # the address itself names something that does not exist
        case Unavailable() | LoadError():
            return 503
        case _:
            return 422


def reply_of(error: Exception) -> ErrorReply:
    """The body for any exception. One that is no DebuggerError is a bug, and is logged as one."""
    if isinstance(error, DebuggerError):
        return _body(error.code, error.message, error.details)
    log.error("request %s failed", request_id(), exc_info=error)
    return _body(
        "internal_error",
        "The server failed to answer this request. Its log says why, under the request id.",
        {},
    )


def register(app: Flask) -> None:
    """Let the application answer its failures in the one form."""

    @app.errorhandler(DebuggerError)
    def caller_fault(error: DebuggerError) -> Response:
        response = _response(reply_of(error), status_of(error, request.method))
        if isinstance(error, Unavailable):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(HTTPException)
    def http_fault(error: HTTPException) -> Response:
        status = error.code or 500
        code = _HTTP_CODES.get(status, "http_error")
        response = _response(_body(code, _sentence(error), {}), status)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        return _response(reply_of(error), 500)


def _sentence(error: HTTPException) -> str:
    match error.code:
        case 404:
            return f"There is nothing at {request.path[:200]}; /docs lists what there is."
        case 405:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
            return f"{request.method} is not allowed at {request.path[:200]}; allowed: {allowed}."
        case 413:
            limit = request.max_content_length
            return f"The body is too large; at most {limit} bytes are allowed."
        case _:
            return error.description or "The request cannot be answered."


def _body(code: str, message: str, details: dict[str, object]) -> ErrorReply:
    return ErrorReply(
        error=ErrorBody(code=code, message=message, details=details, request_id=request_id())
    )


def _response(reply: ErrorReply, status: int) -> Response:
    return Response(reply.model_dump_json(), status, mimetype="application/json")
