"""Results as rows: one number, or the few that belong together, in each, and all that says which
they are. States are named by `layer` and `state`, "before" or "after" its FFN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from lm_debugger.engine import types as engine

Record: TypeAlias = dict[str, Any]
_Named: TypeAlias = engine.Token | engine.TokenProb | engine.TokenLogit


def trace(
    found: engine.Trace, what: Literal["predictions", "sub_updates"] = "predictions"
) -> Iterator[Record]:
    """Every listed token of every state, or every listed sub-update of every layer."""
    return predictions(found) if what == "predictions" else sub_updates(found)


def predictions(trace: engine.Trace) -> Iterator[Record]:
    """Every listed token of every state."""
    for where, layer in _layers(trace):
        for state in ("before", "after"):
            top = (layer.before if state == "before" else layer.after).top
            for rank, item in enumerate(top, 1):
                yield {**where, "state": state, "rank": rank, **_token(item)} | {"prob": item.prob}


def sub_updates(trace: engine.Trace) -> Iterator[Record]:
    """Every listed sub-update of every layer."""
    for where, layer in _layers(trace):
        for rank, item in enumerate(layer.sub_updates, 1):
            yield {
                **where,
                "rank": rank,
                "dim": item.dim,
                "vector": item.node,
                "coefficient": item.coefficient,
                "score": item.score,
            }


def steps(generation: engine.Generation) -> Iterator[Record]:
    """Every listed alternative of every step. A chosen token that is not among them, as sampling
    may do, comes last with no rank."""
    for step in generation.steps:
        listed = [(rank, item) for rank, item in enumerate(step.alternatives, 1)]
        for rank, item in listed:
            yield _step(step, rank, item, item.prob)
        if all(item.id != step.token.id for _, item in listed):
            yield _step(step, None, step.token, step.prob)


def cells(grid: engine.Grid) -> Iterator[Record]:
    """Every cell of either run."""
    texts = {token.id: token for token in grid.vocabulary}
    for name, run in _both(grid.unedited, grid.edited):
        for state, ids in enumerate(run.tokens):
            for column, id in enumerate(ids):
                row = {
                    "run": name,
                    "position": grid.positions[column],
                    **_state(state),
                    **_token(texts[id]),
                    "prob": run.probs[state][column],
                    "entropy": run.entropies[state][column],
                }
                if grid.kl is not None:
                    row["kl"] = grid.kl[state][column]
                yield row


def followed(following: engine.Following) -> Iterator[Record]:
    """Every followed token in every state of either run."""
    for name, tokens in _both(following.unedited, following.edited):
        for item in tokens:
            for state, (prob, logit, rank) in enumerate(
                zip(item.probs, item.logits, item.ranks, strict=True)
            ):
                yield {
                    "run": name,
                    **_state(state),
                    **_token(item.token),
                    "prob": prob,
                    "logit": logit,
                    "rank": rank,
                }


def parts(attribution: engine.Attribution) -> Iterator[Record]:
    """Every part of the total, then the listed parts of the FFNs."""
    yield {"part": "base", "layer": None, "dim": None, "amount": attribution.base}
    yield {"part": "start", "layer": None, "dim": None, "amount": attribution.start}
    for part, amounts in (("attention", attribution.attention), ("ffn", attribution.ffn)):
        for layer, amount in enumerate(amounts):
            yield {"part": part, "layer": layer, "dim": None, "amount": amount}
    for item in attribution.sub_updates:
        at = {"layer": item.layer, "dim": item.dim}
        yield {"part": "sub_update", **at, "amount": item.amount}


def details(found: engine.SubUpdates) -> Iterator[Record]:
    """Every listed sub-update of one layer."""
    for rank, item in enumerate(found.sub_updates, 1):
        yield {
            "rank": rank,
            "layer": item.layer,
            "dim": item.dim,
            "vector": item.node,
            "coefficient": item.coefficient,
            "unedited_coefficient": item.unedited_coefficient,
            "score": item.score,
            "share": item.share,
            "effect": item.effect,
        }


def ends(projection: engine.Projection) -> Iterator[Record]:
    """Every listed token at both ends."""
    for end in ("promoted", "suppressed"):
        listed = projection.promoted if end == "promoted" else projection.suppressed
        for rank, item in enumerate(listed, 1):
            yield {"end": end, "rank": rank, **_token(item), "logit": item.logit}


def _layers(trace: engine.Trace) -> Iterator[tuple[Record, engine.LayerTrace]]:
    for name, run in _both(trace.unedited, trace.edited):
        for position in run.positions:
            for layer in position.layers:
                yield {"run": name, "position": position.position, "layer": layer.layer}, layer


def _both(unedited: Any, edited: Any) -> Iterator[tuple[str, Any]]:
    yield "unedited", unedited
    if edited is not None:
        yield "edited", edited


def _state(index: int) -> Record:
    """Of the 2 L states."""
    return {"layer": index // 2, "state": ("before", "after")[index % 2]}


def _token(token: _Named) -> Record:
    return {"token": token.text, "token_id": token.id}


def _step(step: engine.GenerationStep, rank: int | None, token: _Named, prob: float) -> Record:
    chosen = token.id == step.token.id
    return {"index": step.index, "rank": rank, **_token(token), "prob": prob, "chosen": chosen}
