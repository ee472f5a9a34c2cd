"""Wire models, and pages of our own, -> Flask responses."""

from __future__ import annotations

import base64
import hashlib
import re

from flask import Response
from pydantic import BaseModel

from lm_debugger.api.security import content_security_policy

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def json_reply(body: BaseModel, status: int = 200, *, exclude_unset: bool = False) -> Response:
    text = body.model_dump_json(exclude_unset=exclude_unset)
    return Response(text, status, mimetype="application/json")


def html_reply(html: str, status: int = 200) -> Response:
    """A page of our own templates. The one style that stands in it is allowed by its hash."""
    digests = [hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(html)]
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    response = Response(html, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = content_security_policy(
        style_src=" ".join(allowed) or "'none'"
    )
    return response
