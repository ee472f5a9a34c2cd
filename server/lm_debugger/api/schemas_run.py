"""The wire of a *run*: what somebody worked on, as one JSON file.

The page saves and opens such files, `lm-debugger trace --run` and `lm-debugger bake --run` read
them, and `POST /api/v1/code` turns one into a Python program.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lm_debugger.api.schemas import InterventionIn, Reply, Request, SamplingIn, Text

FORMAT = "lm-debugger-run"


class RunFile(Request):
    """`interventions` are those in force, ready to be sent. `page` is for the page alone: switched
    off cards, groups and the like; nothing else reads it."""

    format: Literal["lm-debugger-run"] = Field(description="says that this is a run")
    version: Literal[1] = Field(description="of the format")
    model: str = Field(description="id of the model that it was made with")
    prompt: Text = Field(description="taken as it is: nothing added, nothing stripped (rule 1)")
    position: int | None = Field(None, description="traced position; null: the last")
    interventions: list[InterventionIn] = Field([], description="those in force")
    names: dict[str, str] = Field({}, description="what vectors are called: {'L1D2': 'music'}")
    max_new_tokens: int = Field(10, description="that Generate asks for")
    sampling: SamplingIn = Field(default=SamplingIn(), description="default: greedy")
    page: dict[str, Any] | None = Field(None, description="what the page needs to look the same")


class CodeRequest(Request):
    run: RunFile = Field(description="what to turn into a program")
    form: Literal["lm_debugger", "transformers"] = Field(
        description="with this package, or with hooks on a plain transformers model"
    )


class CodeReply(Reply):
    code: str = Field(description="a Python program that prints the run's numbers")
