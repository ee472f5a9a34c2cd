"""Why this prediction: the grid, tokens through the states, what adds to a logit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from lm_debugger.api import dump, parse
from lm_debugger.api import schemas_why as wire
from lm_debugger.api.replies import json_reply
from lm_debugger.api.state import state, timed

if TYPE_CHECKING:
    from lm_debugger.engine.types import Followed, GridRun, SubUpdateDetail

blueprint = Blueprint("why", __name__, url_prefix="/api/v1")


@blueprint.get("/tokens")
def tokens() -> Response:
    asked = parse.parameters(wire.TokensQuery)
    debugger = state().registry.get(asked.model)
    with timed("engine"):
        found = debugger.find_tokens(parse.prompt(asked.q), asked.n)
    return json_reply(wire.TokensReply(model=debugger.info.id, tokens=[*map(dump.token, found)]))


@blueprint.post("/grid")
def grid() -> Response:
    asked = parse.body(wire.GridRequest)
    debugger = state().registry.get(asked.model)
    with timed("engine"):
        found = debugger.grid(
            parse.prompt(asked.prompt),
            parse.interventions(asked.interventions),
            asked.positions,
        )
    reply = wire.GridReply(
        model=debugger.info.id,
        tokens=[*map(dump.token, found.tokens)],
        positions=list(found.positions),
        vocabulary=[*map(dump.token, found.vocabulary)],
        unedited=_grid_run(found.unedited),
        edited=None if found.edited is None else _grid_run(found.edited),
        kl=None if found.kl is None else [*map(list, found.kl)],
    )
    return json_reply(reply)


@blueprint.post("/sub_updates")
def sub_updates() -> Response:
    asked = parse.body(wire.SubUpdatesRequest)
    debugger = state().registry.get(asked.model)
    prompt = parse.prompt(asked.prompt)
    with timed("engine"):
        found = debugger.sub_updates(
            prompt,
            asked.layer,
            parse.interventions(asked.interventions),
            asked.position,
            asked.top_k,
            asked.sort,
            asked.token,
            asked.against,
            asked.n_tokens,
        )
    info = debugger.info
    tokens = [None if id is None else debugger.token(id) for id in (asked.token, asked.against)]
    token, against = [None if item is None else dump.token(item) for item in tokens]
    reply = wire.SubUpdatesReply(
        model=info.id,
        position=asked.position % len(debugger.tokenize(prompt)),
        layer=asked.layer,
        n_sub_updates=info.ffn_width,
        token=token,
        against=against,
        sub_updates=[*map(_detail, found)],
    )
    return json_reply(reply)


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


def _grid_run(run: GridRun) -> wire.GridRunOut:
    return wire.GridRunOut(
        tokens=[*map(list, run.tokens)],
        probs=[*map(list, run.probs)],
        entropies=[*map(list, run.entropies)],
    )


def _detail(item: SubUpdateDetail) -> wire.SubUpdateDetailOut:
    update = item.sub_update
    return wire.SubUpdateDetailOut(
        layer=update.id.layer,
        dim=update.id.dim,
        coefficient=update.coefficient,
        unedited_coefficient=item.unedited_coefficient,
        score=update.score,
        share=item.share,
        effect=item.effect,
        up=[*map(dump.token_logit, item.up)],
        down=[*map(dump.token_logit, item.down)],
    )
