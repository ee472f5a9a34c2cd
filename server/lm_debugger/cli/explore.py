"""What `index` and `search` share: options, and the index of a model with a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lm_debugger.cli.model import load_debugger, weights_options

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.index import ModelIndex
    from lm_debugger.index.build import Progress

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]"
"""tqdm's own, for parts of a step."""


def index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL, how to load it, where the index is and how it clusters."""
    decorators = [
        click.argument("model"),
        *weights_options(),
        click.option(
            "--cache-dir",
            type=click.Path(path_type=Path),
            default=None,
            help="folder of the indexes; by default the system's folder for caches",
        ),
        click.option(
            "--n-clusters",
            type=int,
            default=None,
            help="0 for none; by default about one per 32 vectors",
        ),
        click.option(
            "--cluster-method",
            type=click.Choice(["kmeans", "complete-linkage"]),
            default="kmeans",
            show_default=True,
            help="complete-linkage is LM-Debugger's, for small models only",
        ),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def open_index(model: str, options: dict[str, Any]) -> tuple[Debugger, ModelIndex]:
    """The model and its index, unbuilt; raises LoadError, OutOfRange."""
    debugger = load_debugger(model, options)
    from lm_debugger.index import ModelIndex

    index = ModelIndex(
        debugger,
        options["cache_dir"],
        n_clusters=options["n_clusters"],
        method=options["cluster_method"],
    )
    return debugger, index


def build(index: ModelIndex) -> None:
    """Build what is missing, with a bar on stderr; Ctrl-C stops, and the next build goes on.

    Raises:
        click.ClickException: it failed or was stopped.
    """
    from tqdm import tqdm

    from lm_debugger.index import stages

    units = {stage.name: stage.unit for stage in stages.STAGES}
    bars: dict[str, Any] = {}

    def show(progress: Progress) -> None:
        if progress.state != "building" or progress.total == 0:
            return
        if progress.stage not in bars:
            unit = units[progress.stage]
            bars[progress.stage] = tqdm(
                total=progress.total, desc=progress.stage, unit=unit, bar_format=_BAR
            )
        bar = bars[progress.stage]
        bar.update(progress.done + progress.within - bar.n)

    index.start(show)
    try:
        while index.is_building:
            index.join(0.2)
    except KeyboardInterrupt:
        index.cancel()
        index.join()
    finally:
        for bar in bars.values():
            bar.close()
    if index.progress.state == "failed":
        raise click.ClickException(index.progress.error or "the index could not be built")
    if index.progress.state != "ready":
        raise click.ClickException("Stopped; what is finished is kept, and the next build goes on.")
