"""A run as a program."""

from __future__ import annotations

from flask import Blueprint, Response

from lm_debugger.api import parse
from lm_debugger.api import schemas_run as wire
from lm_debugger.api.replies import json_reply
from lm_debugger.api.state import state
from lm_debugger.runs.program import program

blueprint = Blueprint("run", __name__, url_prefix="/api/v1")


@blueprint.post("/code")
def code() -> Response:
    asked = parse.body(wire.CodeRequest)
    debugger = state().debugger(asked.run.model)
    parse.prompt(asked.run.prompt, debugger)
    parse.not_too_many(asked.run.interventions)
    return json_reply(wire.CodeReply(code=program(asked.run, debugger, asked.form)))
