"""Results as rows: one number, or the few that belong together, in each, and all that says which
they are. States are named by `layer` and `state`, "before" or "after" its FFN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from lm_debugger.engine import types as engine

Row: TypeAlias = dict[str, Any]


def predictions(trace: engine.Trace) -> Iterator[Row]:
    """Every listed token of every state."""
    for where, layer in _layers(trace):
        for state in ("before", "after"):
            top = (layer.before if state == "before" else layer.after).top
            for rank, item in enumerate(top, 1):
                yield {**where, "state": state, "rank": rank, **_token(item.token)} | {
                    "prob": item.prob
                }


def sub_updates(trace: engine.Trace) -> Iterator[Row]:
    """Every listed sub-update of every layer."""
    for where, layer in _layers(trace):
        for rank, item in enumerate(layer.sub_updates, 1):
            yield {
                **where,
                "rank": rank,
                "dim": item.id.dim,
                "vector": str(item.id),
                "coefficient": item.coefficient,
                "score": item.score,
            }


def steps(generation: engine.Generation) -> Iterator[Row]:
    """Every listed alternative of every step. A chosen token that is not among them, as sampling
    may do, comes last with no rank."""
    for step in generation.steps:
        listed = [(rank, item) for rank, item in enumerate(step.alternatives, 1)]
        for rank, item in listed:
            yield _step(step, rank, item.token, item.prob)
        if all(item.token != step.token for _, item in listed):
            yield _step(step, None, step.token, step.prob)


def cells(grid: engine.Grid) -> Iterator[Row]:
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


def followed(following: engine.Following) -> Iterator[Row]:
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


def parts(attribution: engine.Attribution) -> Iterator[Row]:
    """Every part of the total, then the listed parts of the FFNs."""
    yield {"part": "base", "layer": None, "dim": None, "amount": attribution.base}
    yield {"part": "start", "layer": None, "dim": None, "amount": attribution.start}
    for part, amounts in (("attention", attribution.attention), ("ffn", attribution.ffn)):
        for layer, amount in enumerate(amounts):
            yield {"part": part, "layer": layer, "dim": None, "amount": amount}
    for item in attribution.sub_updates:
        at = {"layer": item.id.layer, "dim": item.id.dim}
        yield {"part": "sub_update", **at, "amount": item.amount}


def _layers(trace: engine.Trace) -> Iterator[tuple[Row, engine.LayerTrace]]:
    for name, run in _both(trace.unedited, trace.edited):
        for position in run.positions:
            for layer in position.layers:
                yield {"run": name, "position": position.position, "layer": layer.layer}, layer


def _both(unedited: Any, edited: Any) -> Iterator[tuple[str, Any]]:
    yield "unedited", unedited
    if edited is not None:
        yield "edited", edited


def _state(index: int) -> Row:
    """Of the 2 L states."""
    return {"layer": index // 2, "state": ("before", "after")[index % 2]}


def _token(token: engine.Token) -> Row:
    return {"token": token.text, "token_id": token.id}


def _step(step: engine.GenerationStep, rank: int | None, token: engine.Token, prob: float) -> Row:
    chosen = token == step.token
    return {"index": step.index, "rank": rank, **_token(token), "prob": prob, "chosen": chosen}
