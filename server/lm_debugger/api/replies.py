"""Bodies, and pages of our own, -> Flask responses."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from flask import Response, request

from lm_debugger.api import wire
from lm_debugger.api.security import content_security_policy

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def json_reply(body: Any, status: int = 200, *, exclude_unset: bool = False) -> Response:
    """A dataclass or a model, see `wire`."""
    text = wire.dumped(body, exclude_unset=exclude_unset)
    return Response(text, status, mimetype="application/json")


def unchanging(body: Any) -> Response:
    """A reply that stays the same as long as the model is loaded: the browser may keep it."""
    response = json_reply(body)
    response.add_etag()
    response.make_conditional(request)
    return response


def html_reply(html: str, status: int = 200) -> Response:
    """A page of our own templates. The one style that stands in it is allowed by its hash."""
    digests = [hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(html)]
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    response = Response(html, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = content_security_policy(
        style_src=" ".join(allowed) or "'none'"
    )
    return response
