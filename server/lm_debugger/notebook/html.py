"""A trace as a piece of HTML that needs nothing but itself: inline styles, no script, and colours
that are the notebook's own, light or dark, or translucent over them. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from lm_debugger.engine import types as engine
from lm_debugger.visible import visible

_TOKENS = 5
_POSITIONS = 8
_BARS = {"unedited": "rgba(60,120,216,.28)", "edited": "rgba(217,119,6,.32)"}
_LINE = "1px solid rgba(128,128,128,.35)"
_CELL = "text-align:left;vertical-align:top;padding:4px 12px 4px 0;background:none;font-size:13px"
_MONO = "font-family:ui-monospace,monospace;font-size:12px;white-space:nowrap"


def trace_html(trace: engine.Trace) -> str:
    """The prompt, the prediction of both runs, and every layer: before, sub-updates, after."""
    body = [_prompt(trace), _interventions(trace)]
    for index, position in enumerate(trace.positions[:_POSITIONS]):
        token = visible(trace.tokens[position].text)
        body.append(f'<div style="margin-top:10px">After position {position}, {_mono(token)}</div>')
        runs = [("unedited", trace.unedited.positions[index])]
        if trace.edited is not None:
            runs.append(("edited", trace.edited.positions[index]))
        body.append(_predictions(runs))
        body += [_layers(name, at, is_open=len(trace.positions) == 1) for name, at in runs[-1:]]
        body += [_layers(name, at, is_open=False) for name, at in runs[:-1]]
    more = len(trace.positions) - _POSITIONS
    if more > 0:
        body.append(f'<div style="margin-top:10px">and {more} more positions: to_pandas()</div>')
    style = "font-family:system-ui,sans-serif;font-size:13px;line-height:1.5;color:inherit"
    return f'<div style="{style}">{"".join(body)}</div>'


def _prompt(trace: engine.Trace) -> str:
    chips = []
    for position, token in enumerate(trace.tokens):
        read = position in trace.positions
        mark = "2px solid currentColor" if read else "2px solid transparent"
        style = f"{_MONO};border-bottom:{mark};margin-right:2px"
        chips.append(f'<bdi style="{style}">{escape(visible(token.text))}</bdi>')
    return f"<div><b><bdi>{escape(trace.model)}</bdi></b> &nbsp; {' '.join(chips)}</div>"


def _interventions(trace: engine.Trace) -> str:
    lines = []
    for item in trace.interventions:
        value = "" if item.value is None else f" {item.value:g}"
        where = "" if item.positions == "all" else f" at {_where(item.positions)}"
        lines.append(
            f"<div>{_mono(item.node)} {item.kind}{value}{escape(where)}: coefficient "
            f"{item.unedited_coefficient:.3f} → {item.edited_coefficient:.3f}</div>"
        )
    return "".join(lines)


def _where(positions: engine.Positions) -> str:
    return (
        "the last position"
        if positions == "last"
        else f"positions {', '.join(map(str, positions))}"
    )


def _predictions(runs: Sequence[tuple[str, engine.PositionTrace]]) -> str:
    """The runs' next tokens, side by side."""
    cells = [
        f'<td style="{_CELL};border:0"><div style="opacity:.7">{name}</div>'
        f"{_tokens(at.prediction, _BARS[name], 10)}</td>"
        for name, at in runs
    ]
    return f'<table style="border-collapse:collapse;margin:0"><tr>{"".join(cells)}</tr></table>'


def _layers(name: str, at: engine.PositionTrace, *, is_open: bool) -> str:
    head = "".join(
        f'<th scope="col" style="{_CELL};border:0;border-bottom:{_LINE}">{title}</th>'
        for title in ("layer", "before", "dominant sub-updates", "after")
    )
    rows = "".join(_layer(layer, _BARS[name]) for layer in at.layers)
    return (
        f"<details{' open' if is_open else ''}>"
        f'<summary style="cursor:pointer">Layers of the {name} run</summary>'
        '<div style="max-height:30em;overflow:auto">'
        f'<table style="border-collapse:collapse;margin:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _layer(layer: engine.LayerTrace, bar: str) -> str:
    updates = "".join(
        f'<div style="{_MONO}">{item.node} {item.coefficient:+.3f} '
        f'<span style="opacity:.7">score {item.score:.3f}</span></div>'
        for item in islice(layer.sub_updates, _TOKENS)
    )
    style = f"{_CELL};border:0;border-bottom:{_LINE}"
    cells: Iterable[str] = (
        _tokens(layer.before, bar, _TOKENS),
        updates,
        _tokens(layer.after, bar, _TOKENS),
    )
    return (
        f'<tr><th scope="row" style="{style}">{layer.layer}</th>'
        + "".join(f'<td style="{style}">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _tokens(reading: engine.StateReading, bar: str, count: int) -> str:
    """Tokens over bars of their probabilities."""
    lines = []
    for item in reading.top[:count]:
        percent = 100 * item.prob
        fill = f"linear-gradient(90deg,{bar} {percent:.1f}%,transparent {percent:.1f}%)"
        lines.append(
            f'<div style="{_MONO};background:{fill};min-width:13em;display:flex;'
            'justify-content:space-between;gap:1em;padding:0 4px">'
            f"<bdi>{escape(visible(item.text))}</bdi><span>{item.prob:.4f}</span></div>"
        )
    return "".join(lines)


def _mono(text: str) -> str:
    return f'<bdi style="{_MONO}">{escape(text)}</bdi>'
