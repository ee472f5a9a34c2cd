"""`lm-debugger search`: value vectors that promote words, by concept or by keyword."""

from __future__ import annotations

import re
from typing import Any

import click

from lm_debugger.cli.explore import build, index_options, open_index
from lm_debugger.engine.types import LIMITS, ValueId
from lm_debugger.errors import InvalidIntervention
from lm_debugger.visible import shown


@click.command("search")
@index_options
@click.argument("words")
@click.option("--keywords", is_flag=True, help="keyword search as in LM-Debugger, on the index")
@click.option(
    "-n",
    "n",
    type=click.IntRange(1, LIMITS.max_top_k),
    default=10,
    show_default=True,
    help="results",
)
@click.option("--layers", metavar="3-7", default=None, help="layers to search (concepts only)")
@click.option("--opposite", is_flag=True, help="what opposes the vector, where WORDS is one")
@click.option("--normalised", is_flag=True, help="divide by the vector's norm (concepts only)")
@click.option("--json", "as_json", is_flag=True, help="print what the API would reply")
def command(
    model: str,
    words: str,
    keywords: bool,
    n: int,
    layers: str | None,
    opposite: bool,
    normalised: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Find the value vectors that promote some words most.

    WORDS are separated by commas. By default all vectors are ranked by the exact mean logit of the
    words; a minus before a word demotes it (write -- before WORDS if the first one has one). A
    value vector in place of words, such as L7D44, finds those nearest to it by cosine.

    Example: lm-debugger search demo "music, song, -school"
    """
    at = _vector(words)
    if (keywords or at) and (layers or normalised):
        raise click.UsageError("--layers and --normalised go with concept search only.")
    if opposite and not at:
        raise click.UsageError("--opposite goes with a value vector, such as L7D44.")
    debugger, index = open_index(model, options)
    from lm_debugger.api.exploring import ConceptReply, KeywordReply, NeighboursReply
    from lm_debugger.api.wire import dumped

    reply: ConceptReply | KeywordReply | NeighboursReply
    if at:
        debugger.check(at)
        near = index.concepts.neighbours(at, n, opposite=opposite)
        reply = NeighboursReply.of(debugger, index, at, near)
    elif keywords:
        build(index)
        reply = KeywordReply.of(debugger, index, index.keywords(words, n))
    else:
        found = index.concepts.words(words)
        within = _layers(layers, debugger.info.n_layers)
        hits = index.concepts.search(found, n, normalised=normalised, layers=within)
        reply = ConceptReply.of(debugger, index, found, hits)
    if as_json:
        click.echo(dumped(reply, indent=2).decode())
        return
    for hit in reply.hits:
        click.echo(f"{hit.node:<10}{hit.score:8.3f}  {shown([token.text for token in hit.tokens])}")
    if not reply.hits:
        click.echo("No value vector lists that.")


def _vector(words: str) -> ValueId | None:
    """The value vector that is named in place of words, if one is."""
    try:
        return ValueId.parse(words)
    except InvalidIntervention:
        return None


def _layers(text: str | None, n_layers: int) -> tuple[int, int]:
    """ "3-7" or "3"; raises click.UsageError."""
    if text is None:
        return 0, n_layers - 1
    match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", text.strip())
    if match is None:
        raise click.UsageError(f"Layers are written 3-7 or 3, not {text!r}.")
    return int(match[1]), int(match[2] or match[1])
