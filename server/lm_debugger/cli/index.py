"""`lm-debugger index`: build a model's index ahead of time."""

from __future__ import annotations

from typing import Any

import click

from lm_debugger.cli.explore import build, index_options, open_index


@click.command("index")
@index_options
def command(model: str, **options: Any) -> None:
    """Build the index that Explore searches: what every value vector promotes, and clusters.

    `serve` does the same in the background. A build that was stopped goes on where it was.

    Example: lm-debugger index gpt2-medium --n-clusters 3000
    """
    _, index = open_index(model, options)
    build(index)
    clusters = f"{index.n_clusters:,} clusters" if index.n_clusters else "no clusters"
    click.echo(
        f"{index.n_vectors:,} value vectors, {clusters}, "
        f"{index.store.size() / 1e6:.0f} MB in {index.store.folder}"
    )
