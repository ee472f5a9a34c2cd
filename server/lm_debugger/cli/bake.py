"""`lm-debugger bake`: interventions as weights of an ordinary checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lm_debugger.cli.model import (
    intervention_options,
    interventions,
    load_debugger,
    read_run,
    run_option,
)
from lm_debugger.engine.baked import formula

if TYPE_CHECKING:
    from lm_debugger.engine.baked import Baked

_BESIDE_A_RUN = ("places", "run_file", "device", "revision", "weights", "force")


def _flags(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in reversed(intervention_options()):
        command = decorate(command)
    return command


@click.command("bake")
@click.argument("places", nargs=-1, metavar="[MODEL] OUT")
@run_option("MODEL, if given, takes the place of the file's")
@_flags
@click.option("--prompt", metavar="TEXT", help="whose boosts are kept; needed with --boost")
@click.option(
    "--dtype",
    "weights",
    default=None,
    type=click.Choice(["float32", "float16", "bfloat16"]),
    help="of the weights that are written; by default as the model's files have them",
)
@click.option("--force", is_flag=True, help="replace a checkpoint that is in OUT")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps")
@click.option("--revision", default=None, help="branch, tag or commit on the hub")
def command(
    places: tuple[str, ...],
    run_file: Path | None,
    prompt: str | None,
    weights: str | None,
    force: bool,
    **options: Any,
) -> None:
    """Write the folder OUT: an ordinary checkpoint in which the interventions are part of the
    weights, for transformers or any other tool that reads such folders.

    Interventions must hold at every position, of prompt and continuation; weights cannot express
    others. A boost depends on a prompt (rule 9); the value for the run's prompt is kept.

    \b
    Examples:
      lm-debugger bake --run FILE edited/
      lm-debugger bake gpt2 edited/ --suppress L3D7 --scale L1D2=0.5
    """
    run = None if run_file is None else read_run(run_file, _BESIDE_A_RUN)
    model, out = _places(places, None if run is None else run.model)
    if run is None:
        edits = interventions(options)
    else:
        edits, prompt = run.checked_interventions(), run.prompt
    debugger = load_debugger(model, {**options, "dtype": "float32"}, run)
    baked = debugger.bake(edits, out, prompt, weights, force=force)
    for line in _lines(baked, model):
        click.echo(line)


def _places(places: tuple[str, ...], model: str | None) -> tuple[str, Path]:
    """MODEL and OUT; `model` is the run's."""
    if len(places) == 2:
        return places[0], Path(places[1])
    if len(places) == 1 and model is not None:
        return model, Path(places[0])
    raise click.UsageError("Name MODEL and OUT, or --run FILE and OUT.")


def _lines(baked: Baked, model: str) -> Iterator[str]:
    count = len(baked.edits)
    yield (
        f"Wrote {baked.folder}: {model} with {count} intervention{'s' * (count != 1)} in its "
        f"weights ({baked.dtype})."
    )
    for edit in baked.edits:
        item, becomes = edit.intervention, formula(edit.factor, edit.shift, "m")
        yield f"  {item.id!s:<10} {item.kind:<6} m := {becomes}"
    if baked.prompt is not None:
        yield f"Boosts have the value that they have for {baked.prompt!r}, now for every text."
    if baked.rounding:
        yield f"Rounding moved the changed weights by at most {baked.rounding:.1e}" + (
            "." if baked.dtype == "float32" else f" ({baked.dtype}; --dtype float32 is finer)."
        )
