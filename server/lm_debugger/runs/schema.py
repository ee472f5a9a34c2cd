"""A *run*: what somebody worked on, as one JSON document.

The page saves and opens such files, `lm-debugger trace --run` and `lm-debugger bake --run` read
them (`files`), and `POST /api/v1/code` turns one into a Python program (`program`). The parts of it
that the API's requests have, too, are defined here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from lm_debugger.engine.types import Intervention, Kind, Sampling, ValueId
from lm_debugger.errors import about_intervention
from lm_debugger.json_input import Finite, ListOf, Named, Request, Text

FORMAT = "lm-debugger-run"
VERSION = 1


class InterventionIn(Request):
    """One edit of one coefficient (rules 8 to 15)."""

    layer: int = Field(description="0-based layer")
    dim: int = Field(description="0-based dimension (row of the layer's value matrix)")
    kind: Kind = Field(
        description="on and off as in LM-Debugger; set, scale, add after the activation"
    )
    value: Finite | None = Field(
        default=None, description="needed by set, scale and add; not allowed with on and off"
    )
    positions: Literal["all", "last"] | ListOf[int] = Field(
        default="all", description="prompt positions to edit; negative ones count from the end"
    )
    generated: bool | None = Field(
        default=None, description="edit generated tokens too; default: only if positions is 'all'"
    )

    def checked(self) -> Intervention:
        """The engine's; it raises InvalidIntervention, InvalidPosition."""
        at = self.positions
        return Intervention(
            layer=self.layer,
            dim=self.dim,
            kind=self.kind,
            value=self.value,
            positions=at if isinstance(at, str) else tuple(at),
            generated=self.generated,
        )


def checked_interventions(items: Sequence[InterventionIn]) -> list[Intervention]:
    """The engine's, of a list.

    Raises:
        InvalidIntervention, InvalidPosition: see `errors.about_intervention`.
    """
    found = []
    for place, item in enumerate(items):
        with about_intervention(place, ValueId(item.layer, item.dim)):
            found.append(item.checked())
    return found


class SamplingIn(Request):
    temperature: Finite = Field(default=0.0, description="0 = greedy")
    top_p: Finite = Field(default=1.0, description="nucleus sampling; 1 = all tokens")
    seed: int = Field(default=0, description="same seed, same text on the same machine")

    def checked(self) -> Sampling:
        """The engine's; it raises OutOfRange."""
        return Sampling(temperature=self.temperature, top_p=self.top_p, seed=self.seed)


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
