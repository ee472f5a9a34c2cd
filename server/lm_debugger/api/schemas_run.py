"""The wire of runs: `runs.schema` has the run itself."""

from __future__ import annotations

from pydantic import Field

from lm_debugger.api.schemas import Reply
from lm_debugger.json_input import Request
from lm_debugger.runs.program import Form
from lm_debugger.runs.schema import RunFile


class CodeRequest(Request):
    run: RunFile = Field(description="what to turn into a program")
    form: Form = Field(description="with this package, or with hooks on a plain transformers model")


class CodeReply(Reply):
    code: str = Field(description="a Python program that prints the run's numbers")
