"""`lm-debugger trace`: what each layer does to a prediction, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from lm_debugger.cli.model import job, load_debugger, model_options, positions
from lm_debugger.visible import shown, visible

if TYPE_CHECKING:
    from lm_debugger.engine.types import LayerTrace, PositionTrace, StateReading, Trace

_WIDTHS = (6, 26, 34)


@click.command("trace")
@model_options
@click.option(
    "--position",
    default="last",
    show_default=True,
    metavar="last|all|0,1,…",
    help="prompt positions to read; negative ones count from the end",
)
@click.option("--top-k", default=5, show_default=True, help="tokens and sub-updates per layer")
def command(
    model: str | None,
    prompt: str | None,
    position: str,
    top_k: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Show, layer by layer, the tokens predicted before the FFN, its dominant sub-updates, and the
    tokens predicted after it.

    Example: lm-debugger trace demo "In the month of" --boost L7D44

    Or what the page saved: lm-debugger trace --run FILE
    """
    it, at = job(model, prompt, options), positions(position)
    if it.run is not None and it.run.position is not None:
        at = it.run.position
    debugger = load_debugger(it.model, options, it.run)
    found = debugger.trace(it.prompt, it.interventions, positions=at, top_k=top_k)
    if as_json:
        from lm_debugger.api.wire import dumped

        click.echo(dumped(found, indent=2).decode())
        return
    for line in _lines(found):
        click.echo(line.rstrip())


def _lines(trace: Trace) -> Iterator[str]:
    yield shown([token.text for token in trace.tokens])
    for index, position in enumerate(trace.positions):
        token = visible(trace.tokens[position].text)
        where = f"position {position} ({token})"
        unedited = trace.unedited.positions[index]
        yield from ("", f"Unedited run, {where}", *_table(unedited))
        if trace.edited is None:
            continue
        edited = trace.edited.positions[index]
        yield from ("", f"Edited run, {where}", *_table(edited))
        yield ""
        yield f"Prediction, unedited: {_summary(unedited.prediction)}"
        yield f"Prediction, edited:   {_summary(edited.prediction)}"


def _table(position: PositionTrace) -> Iterator[str]:
    yield _row("layer", "before", "dominant sub-updates", "after")
    for layer in position.layers:
        yield from _layer(layer)


def _layer(layer: LayerTrace) -> Iterator[str]:
    columns = zip_longest(
        [str(layer.layer)],
        _tokens(layer.before),
        [f"{item.id} {item.coefficient:+.3f} score {item.score:.3f}" for item in layer.sub_updates],
        _tokens(layer.after),
        fillvalue="",
    )
    for cells in columns:
        yield _row(*cells)


def _tokens(reading: StateReading) -> list[str]:
    return [f"{item.prob:.3f} {visible(item.text)}" for item in reading.top]


def _summary(reading: StateReading) -> str:
    return "  ".join(_tokens(reading)[:5])


def _row(layer: str, before: str, updates: str, after: str) -> str:
    first, second, third = _WIDTHS
    return f"{layer:<{first}}{before:<{second}}{updates:<{third}}{after}"
