"""What `Debugger.bake` is asked for, checked before anything is read or written; then `baking`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lm_debugger.engine.asked import Intervention
from lm_debugger.engine.baked import Baked
from lm_debugger.engine.baking import bake, bakeable
from lm_debugger.engine.boosts import Boosts
from lm_debugger.engine.checks import check_count
from lm_debugger.engine.given import shown
from lm_debugger.errors import CannotBake, InvalidInput, about_intervention

if TYPE_CHECKING:
    from lm_debugger.engine.model import Model


def bake_checked(
    model: Model,
    interventions: tuple[Intervention, ...],
    out: str | os.PathLike[str],
    prompt: str | None,
    dtype: str | None,
    *,
    force: bool,
) -> Baked:
    """See `Debugger.bake`."""
    for place, item in enumerate(interventions):
        with about_intervention(place, item.id):
            model.value(item.layer, item.dim)
    wanted = bakeable(interventions)  # at all positions, so that there is none to be checked
    check_count(len(wanted), model.limits.max_interventions)
    if not isinstance(out, str | os.PathLike):
        raise InvalidInput(f"out must be the path of a folder, not {shown(out)}.")
    boosts: Boosts | None = None
    fixed_by = None
    if any(item.kind == "on" for item in wanted):
        if prompt is None:
            raise CannotBake(
                "A boost sets its coefficient to a value that depends on a prompt (rule 9): "
                "name the prompt whose value is to be kept."
            )
        boosts, fixed_by = model.boosts(wanted, model.encode(prompt)), prompt
    return bake(model.checkpoint, wanted, boosts, Path(out), fixed_by, dtype, force=force)
