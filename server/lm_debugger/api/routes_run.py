"""A run as a program."""

from __future__ import annotations

from flask import Blueprint, Response

from lm_debugger.api import parse
from lm_debugger.api import schemas as wire
from lm_debugger.api.replies import json_reply
from lm_debugger.api.state import computing, state
from lm_debugger.runs.program import program

blueprint = Blueprint("run", __name__, url_prefix="/api/v1")


@blueprint.post("/code")
def code() -> Response:
    asked = parse.body(wire.CodeRequest)
    debugger = state().debugger(asked.run.model)
    parse.typed(asked.run.prompt)
    parse.not_too_many(asked.run.interventions)
    with computing():
        code = program(asked.run, debugger, asked.form)
    return json_reply(wire.CodeReply(code=code))
