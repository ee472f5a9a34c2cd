"""Wire models -> Flask responses."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel


def json_reply(body: BaseModel, status: int = 200, *, exclude_unset: bool = False) -> Response:
    text = body.model_dump_json(exclude_unset=exclude_unset)
    return Response(text, status, mimetype="application/json")
