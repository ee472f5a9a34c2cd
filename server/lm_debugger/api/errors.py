"""Exceptions -> HTTP. The only place where the two meet.

Every failure is answered with `{error: {code, message, details, request_id}}`; never with a
traceback, never with status 200. On LM-Debugger's own routes, and below them, the body is the
sentence alone, as plain text: its page takes any JSON for a success.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from lm_debugger.api.legacy import is_legacy
from lm_debugger.api.middleware import request_id
from lm_debugger.api.replies import json_reply
from lm_debugger.api.request_log import record
from lm_debugger.api.schemas import ErrorBody, ErrorReply
from lm_debugger.errors import (
    AnswerTooLarge,
    Busy,
    ClientGone,
    DebuggerError,
    LoadError,
    NotWhenHosted,
    TooManyInterventions,
    TooManyRequests,
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
    414: "uri_too_long",
    415: "unsupported_media_type",
}


_LIMITS = {
    AnswerTooLarge.code: "max_reply_mb",
    Busy.code: "max_waiting",
    TooManyInterventions.code: "max_interventions",
    "max_new_tokens": "max_new_tokens",
    "positions": "max_positions",
    "prompt_tokens": "max_prompt_tokens",
    **dict.fromkeys(("alternatives", "n", "n_tokens", "tokens", "top_k"), "max_top_k"),
}
"""Code of an error, or the parameter that it is about -> the setting that limits it."""


def status_of(error: DebuggerError, method: str) -> int:
    """400 unreadable, 403 not for strangers, 404 no such thing, 422 readable but wrong, 429 too
    often, 499 nobody is there to read it, 503 not now."""
    match error:
        case ClientGone():
            return 499
        case TooManyRequests():
            return 429
        case BrokenJson():
            return 400
        case UnknownModel():
            return 404
        case NotWhenHosted():
            return 403
        case UnknownLayer() | UnknownDimension() | UnknownCluster() if method in ("GET", "HEAD"):
            return 404  # the address itself names something that does not exist
        case Unavailable() | LoadError():
            return 503
        case _:
            return 422


def reply_of(error: Exception) -> ErrorReply:
    """The body for any exception. One that is no DebuggerError is a bug, and is logged as one."""
    if isinstance(error, DebuggerError):
        return _limited(error)
    log.error("request %s failed", request_id(), exc_info=error)
    return _body(
        "internal_error",
        "The server failed to answer this request. Its log says why, under the request id "
        f"{request_id()}.",
        {},
    )


def answer(error: DebuggerError) -> Response:
    """The reply to a request that failed so."""
    response = _response(reply_of(error), status_of(error, request.method))
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def register(app: Flask) -> None:
    """Let the application answer its failures in the one form."""

    @app.errorhandler(DebuggerError)
    def caller_fault(error: DebuggerError) -> Response:
        return answer(error)

    @app.errorhandler(HTTPException)
    def http_fault(error: HTTPException) -> Response:
        status = error.code or 500
        code = _HTTP_CODES.get(status, "http_error")
        details: dict[str, object] = {"limit": "max_body_bytes"} if status == 413 else {}
        response = _response(_body(code, _sentence(error), details), status)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        return _response(reply_of(error), 500)


def _sentence(error: HTTPException) -> str:
    match error.code:
        case 404 if error.description == NotFound.description:
            return f"There is nothing at {request.path[:200]}; /docs lists what there is."
        case 405:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
            return (
                f"{request.method[:20]} is not allowed at {request.path[:200]}; allowed: {allowed}."
            )
        case 413:
            limit = request.max_content_length
            return (
                f"The body is too large; at most {limit} bytes are allowed (the setting "
                "max_body_bytes)."
            )
        case _:
            return error.description or "The request cannot be answered."


def _limited(error: DebuggerError) -> ErrorReply:
    """The body for a failure; where a limit of this server is behind it, it names the setting."""
    name = _LIMITS.get(error.code) or _LIMITS.get(str(error.details.get("parameter")))
    if name is None or "limit" in error.details:
        return _body(error.code, error.message, error.details)
    return _body(
        error.code,
        f"{error.message} The limit is the setting {name}.",
        {**error.details, "limit": name},
    )


def _body(code: str, message: str, details: dict[str, object]) -> ErrorReply:
    record().outcome = code
    return ErrorReply(
        error=ErrorBody(code=code, message=message, details=details, request_id=request_id())
    )


def _response(reply: ErrorReply, status: int) -> Response:
    if is_legacy(request.path):
        return Response(reply.error.message, status, mimetype="text/plain")
    return json_reply(reply, status)
