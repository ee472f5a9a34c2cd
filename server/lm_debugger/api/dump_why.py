"""Engine values -> wire models, of "why": grid, tokens followed, attribution, sub-updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_debugger.api import dump
from lm_debugger.api import schemas_why as wire

if TYPE_CHECKING:
    from lm_debugger.engine import types as engine


def grid(model: str, value: engine.Grid) -> wire.GridReply:
    return wire.GridReply(
        model=model,
        tokens=[*map(dump.token, value.tokens)],
        positions=list(value.positions),
        vocabulary=[*map(dump.token, value.vocabulary)],
        unedited=_grid_run(value.unedited),
        edited=None if value.edited is None else _grid_run(value.edited),
        kl=None if value.kl is None else [*map(list, value.kl)],
    )


def following(model: str, value: engine.Following) -> wire.FollowReply:
    return wire.FollowReply(
        model=model,
        position=value.position,
        unedited=_followed(value.unedited),
        edited=None if value.edited is None else _followed(value.edited),
    )


def attribution(model: str, value: engine.Attribution) -> wire.AttributeReply:
    return wire.AttributeReply(
        model=model,
        position=value.position,
        token=dump.token(value.token),
        against=None if value.against is None else dump.token(value.against),
        total=value.total,
        base=value.base,
        start=value.start,
        attention=list(value.attention),
        ffn=list(value.ffn),
        sub_updates=[
            wire.ContributionOut(
                layer=item.id.layer,
                dim=item.id.dim,
                coefficient=item.coefficient,
                amount=item.amount,
            )
            for item in value.sub_updates
        ],
    )


def detail(item: engine.SubUpdateDetail) -> wire.SubUpdateDetailOut:
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


def _followed(items: Sequence[engine.Followed]) -> list[wire.FollowedOut]:
    return [
        wire.FollowedOut(
            token=dump.token(item.token),
            probs=list(item.probs),
            logits=list(item.logits),
            ranks=list(item.ranks),
        )
        for item in items
    ]


def _grid_run(run: engine.GridRun) -> wire.GridRunOut:
    return wire.GridRunOut(
        tokens=[*map(list, run.tokens)],
        probs=[*map(list, run.probs)],
        entropies=[*map(list, run.entropies)],
    )
