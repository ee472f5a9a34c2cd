"""Why this prediction: tokens through the states, and what adds to a logit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from lm_debugger.api import dump, parse
from lm_debugger.api import schemas_why as wire
from lm_debugger.api.replies import json_reply
from lm_debugger.api.state import state, timed

if TYPE_CHECKING:
    from lm_debugger.engine.types import Followed

blueprint = Blueprint("why", __name__, url_prefix="/api/v1")


@blueprint.post("/follow")
def follow() -> Response:
    asked = parse.body(wire.FollowRequest)
    debugger = state().registry.get(asked.model)
    with timed("engine"):
        found = debugger.follow(
            parse.prompt(asked.prompt),
            asked.tokens,
            parse.interventions(asked.interventions),
            asked.position,
        )
    reply = wire.FollowReply(
        model=debugger.info.id,
        position=found.position,
        unedited=_followed(found.unedited),
        edited=None if found.edited is None else _followed(found.edited),
    )
    return json_reply(reply)


@blueprint.post("/attribute")
def attribute() -> Response:
    asked = parse.body(wire.AttributeRequest)
    debugger = state().registry.get(asked.model)
    with timed("engine"):
        found = debugger.attribute(
            parse.prompt(asked.prompt),
            asked.token,
            asked.against,
            parse.interventions(asked.interventions),
            asked.position,
            asked.top_k,
        )
    reply = wire.AttributeReply(
        model=debugger.info.id,
        position=found.position,
        token=dump.token(found.token),
        against=None if found.against is None else dump.token(found.against),
        total=found.total,
        base=found.base,
        start=found.start,
        attention=list(found.attention),
        ffn=list(found.ffn),
        sub_updates=[
            wire.ContributionOut(
                layer=item.id.layer,
                dim=item.id.dim,
                coefficient=item.coefficient,
                amount=item.amount,
            )
            for item in found.sub_updates
        ],
    )
    return json_reply(reply)


def _followed(items: Sequence[Followed]) -> list[wire.FollowedOut]:
    return [
        wire.FollowedOut(
            token=dump.token(item.token),
            probs=list(item.probs),
            logits=list(item.logits),
            ranks=list(item.ranks),
        )
        for item in items
    ]
