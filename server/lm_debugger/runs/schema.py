"""A *run*: what somebody worked on, as one JSON document.

The page saves and opens such files, `lm-debugger trace --run` and `lm-debugger bake --run` read
them (`files`), and `POST /api/v1/code` turns one into a Python program (`program`). The parts of it
that the API's requests have, too, are defined here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from lm_debugger.engine.asked import edited
from lm_debugger.engine.types import Intervention, Sampling, ValueId
from lm_debugger.errors import about_intervention
from lm_debugger.json_input import ListOf, Named, Request, Text, made, request_of

FORMAT = "lm-debugger-run"
VERSION = 1


@request_of(Intervention, required=["kind"], optional=["layer", "dim"])
class InterventionIn(Request):
    """One edit of one coefficient (rules 8 to 15), named by `node` or by `layer` and `dim`."""

    node: Text | None = Field(None, description="name of what is edited, L3D7: for layer and dim")

    def edited(self) -> ValueId:
        """What it names; raises InvalidIntervention."""
        read: Any = self  # with the fields of an `Intervention`
        return edited(self.node, read.layer, read.dim)

    def checked(self) -> Intervention:
        """The engine's; it raises InvalidIntervention, InvalidPosition."""
        at = self.edited()
        found: Intervention = made(self, layer=at.layer, dim=at.dim)
        return found


def checked_interventions(items: Sequence[InterventionIn]) -> list[Intervention]:
    """The engine's, of a list.

    Raises:
        InvalidIntervention, InvalidPosition: see `errors.about_intervention`.
    """
    found = []
    for place, item in enumerate(items):
        with about_intervention(place):
            at = item.edited()
        with about_intervention(place, at):
            found.append(item.checked())
    return found


@request_of(Sampling)
class SamplingIn(Request):
    """How the next token is chosen."""

    def checked(self) -> Sampling:
        """The engine's; it raises OutOfRange."""
        found: Sampling = made(self)
        return found


class RunFile(Request):
    """`interventions` are those in force, ready to be sent. `page` is for the page alone: switched
    off cards, groups and the like; nothing else reads it."""

    format: Literal["lm-debugger-run"] = Field(description="says that this is a run")
    version: Literal[1] = Field(description="of the format")
    model: str = Field(description="id of the model that it was made with")
    prompt: Text = Field(description="taken as it is: nothing added, nothing stripped (rule 1)")
    position: int | None = Field(None, description="traced position; null: the last")
    interventions: ListOf[InterventionIn] = Field([], description="those in force")
    names: Named = Field({}, description="what vectors are called: {'L1D2': 'music'}")
    max_new_tokens: int = Field(10, description="that Generate asks for")
    sampling: SamplingIn = Field(default=SamplingIn(), description="default: greedy")
    page: dict[str, Any] | None = Field(None, description="what the page needs to look the same")

    def checked_interventions(self) -> list[Intervention]:
        """The engine's; raises as the function of this name."""
        return checked_interventions(self.interventions)
