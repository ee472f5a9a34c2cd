"""Why this prediction: the grid, tokens through the states, what adds to a logit."""

from __future__ import annotations

from flask import Blueprint, Response

from lm_debugger.api import dump, dump_why, parse
from lm_debugger.api import schemas_why as wire
from lm_debugger.api.replies import json_reply
from lm_debugger.api.state import computing, state

blueprint = Blueprint("why", __name__, url_prefix="/api/v1")


@blueprint.get("/tokens")
def tokens() -> Response:
    asked = parse.parameters(wire.TokensQuery)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.find_tokens(parse.typed(asked.q), asked.n)
    return json_reply(wire.TokensReply(model=debugger.info.id, tokens=[*map(dump.token, found)]))


@blueprint.post("/grid")
def grid() -> Response:
    asked = parse.body(wire.GridRequest)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.grid(
            parse.prompt(asked.prompt, debugger),
            parse.interventions(asked.interventions),
            asked.positions,
        )
    return json_reply(dump_why.grid(debugger.info.id, found))


@blueprint.post("/sub_updates")
def sub_updates() -> Response:
    asked = parse.body(wire.SubUpdatesRequest)
    debugger = state().debugger(asked.model)
    prompt = parse.prompt(asked.prompt, debugger)
    with computing():
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
        sub_updates=[*map(dump_why.detail, found)],
    )
    return json_reply(reply)


@blueprint.post("/follow")
def follow() -> Response:
    asked = parse.body(wire.FollowRequest)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.follow(
            parse.prompt(asked.prompt, debugger),
            asked.tokens,
            parse.interventions(asked.interventions),
            asked.position,
        )
    return json_reply(dump_why.following(debugger.info.id, found))


@blueprint.post("/attribute")
def attribute() -> Response:
    asked = parse.body(wire.AttributeRequest)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.attribute(
            parse.prompt(asked.prompt, debugger),
            asked.token,
            asked.against,
            parse.interventions(asked.interventions),
            asked.position,
            asked.top_k,
        )
    return json_reply(dump_why.attribution(debugger.info.id, found))
