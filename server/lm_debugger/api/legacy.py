"""LM-Debugger's three routes, word for word, for its own clients (docs/semantics.md, its HTTP API).

They speak of the default model, its last prompt position and interventions in classic mode, and
nothing else. How they fail is `errors.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response

from lm_debugger.api import legacy_schemas as old
from lm_debugger.api import parse
from lm_debugger.api.replies import json_reply
from lm_debugger.api.request_log import record
from lm_debugger.api.state import computing, state
from lm_debugger.engine.types import Intervention, Run, StateReading

blueprint = Blueprint("legacy", __name__)

PATHS = ("/get_projections", "/get_data", "/generate")
"""Where the three are, or begin. Nothing else is at these addresses or below them."""


def is_legacy(path: str) -> bool:
    """Is it the address of one of the three, or one below it, right or wrong?"""
    return any(path == one or path.startswith(f"{one}/") for one in PATHS)


@blueprint.get("/get_projections/layer/<layer>/dim/<dim>")
def get_projections(layer: str, dim: str) -> Response:
    """Rule 7, with raw vocabulary pieces."""
    asked = parse.parameters(old.LegacyValueQuery, layer=layer, dim=dim)
    settings = state().settings
    debugger = state().debugger()
    with computing():
        found = debugger.project(
            asked.layer,
            asked.dim,
            top_k=min(settings.legacy_projection_top_k, settings.max_top_k),
        )
    top = [old.LegacyPieceLogit(token=item.piece, logit=item.logit) for item in found.promoted]
    return json_reply(old.LegacyProjectionsReply(layer=asked.layer, dim=asked.dim, top_k=top))


@blueprint.post("/get_data")
def get_data() -> Response:
    """Rules 1 to 6, 9 and 13."""
    asked = parse.body(old.LegacyDataRequest)
    settings = state().settings
    debugger = state().debugger()
    with computing():
        found = debugger.trace(
            parse.typed(asked.prompt),
            _classic(asked.interventions),
            top_k=min(settings.legacy_top_k, settings.max_top_k),
        )
    reply = old.LegacyDataReply(response=_response(asked.prompt, found.unedited))
    if found.edited is not None:
        reply.intervention = _response(asked.prompt, found.edited)
    return json_reply(reply, exclude_unset=True)


@blueprint.post("/generate")
def generate() -> Response:
    """Rule 14."""
    asked = parse.body(old.LegacyGenerateRequest)
    debugger = state().debugger()
    with computing():
        found = debugger.generate(
            parse.typed(asked.prompt),
            _classic(asked.interventions),
            max_new_tokens=asked.generate_k,
            alternatives=1,
        )
    record().new_tokens = len(found.steps)
    return json_reply(old.LegacyGenerateReply(generate_text=found.text))


def _classic(items: Sequence[old.LegacyIntervention]) -> list[Intervention]:
    """Rule 11: above 0 is on, anything else is off."""
    return [
        Intervention(item.layer, item.dim, "on" if item.coeff > 0 else "off")
        for item in parse.not_too_many(items)
    ]


def _response(prompt: str, run: Run) -> old.LegacyResponse:
    """The one position that was traced, in LM-Debugger's words."""
    return old.LegacyResponse(
        prompt=prompt,
        layers=[
            old.LegacyLayer(
                layer=layer.layer,
                predictions_before=_predictions(layer.before),
                predictions_after=_predictions(layer.after),
                significant_values=[
                    old.LegacySignificantValue(layer=item.layer, dim=item.dim, score=item.score)
                    for item in layer.sub_updates
                ],
            )
            for layer in run.positions[-1].layers
        ],
    )


def _predictions(reading: StateReading) -> list[old.LegacyTokenScore]:
    return [old.LegacyTokenScore(token=item.text, score=item.prob) for item in reading.top]
