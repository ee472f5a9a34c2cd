"""What `trace`, `generate` and `bake` share: the model's options, interventions as flags, runs as
files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lm_debugger.engine.types import Intervention, Kind, Positions, ValueId
from lm_debugger.errors import InvalidIntervention, ModelNotFound

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.runs.schema import RunFile

_FLAGS: tuple[tuple[str, Kind, str, str], ...] = (
    ("--suppress", "off", "L3D7", "switch a value vector off (rule 9)"),
    ("--boost", "on", "L5D9", "switch a value vector on (rule 9)"),
    ("--set", "set", "L1D2=3.0", "set its coefficient"),
    ("--scale", "scale", "L1D2=0.5", "multiply its coefficient"),
    ("--add", "add", "L1D2=-1", "add to its coefficient"),
)


_BESIDE_A_RUN = ("model", "run_file", "device", "dtype", "revision", "as_json", "top_k")
"""What may be given beside `--run`: everything else is in the file."""


@dataclass(frozen=True)
class Job:
    """What is to be run: by arguments and flags, or by a file; then `run` is what it says."""

    model: str
    prompt: str
    interventions: list[Intervention]
    run: RunFile | None


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL and PROMPT or a run file, device, number format, revision, interventions."""
    decorators = [
        click.argument("model", required=False),
        click.argument("prompt", required=False),
        run_option("MODEL, if given, takes the place of the file's: folders have other names here"),
        *intervention_options(),
        click.option(
            "--edit-at",
            "edit_at",
            default="all",
            show_default=True,
            metavar="all|last|0,1,…",
            help="prompt positions that the interventions edit",
        ),
        *weights_options(),
        click.option("--json", "as_json", is_flag=True, help="print what the API would reply"),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def run_option(more: str) -> Callable[..., Any]:
    """`--run FILE`."""
    return click.option(
        "--run",
        "run_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"a run that the page saved: prompt, interventions and the rest come from it. {more}",
    )


def intervention_options() -> list[Callable[..., Any]]:
    """One flag for every kind of intervention: what `interventions` reads."""
    return [
        click.option(flag, kind, multiple=True, metavar=form, help=f"{text}; may be repeated")
        for flag, kind, form, text in _FLAGS
    ]


def job(model: str | None, prompt: str | None, options: dict[str, Any]) -> Job:
    """What arguments, flags and the run file ask for together.

    Raises:
        click.UsageError: something is missing, or said twice.
        InvalidInput: the file is no run, or an intervention is malformed.
    """
    path = options["run_file"]
    if path is not None:
        run = read_run(path, _BESIDE_A_RUN)
        edits = run.checked_interventions()
        return Job(model or run.model, run.prompt, edits, run)
    for name, value in (("MODEL", model), ("PROMPT", prompt)):
        if value is None:
            raise click.UsageError(f"Missing argument '{name}', or --run FILE.")
    assert model is not None
    assert prompt is not None
    edits = interventions(options, positions(options["edit_at"]))
    return Job(model, prompt, edits, None)


def read_run(path: Path, allowed: Sequence[str]) -> RunFile:
    """The run in a file.

    Args:
        allowed: parameters of this command that may be given beside it.

    Raises:
        click.UsageError: one is given that the file decides.
        InvalidInput: the file is no run.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) == ParameterSource.COMMANDLINE
        if given and name not in allowed:
            is_flag = isinstance(parameter, click.Option)
            shown = parameter.opts[0] if is_flag else parameter.make_metavar(context).strip("[]")
            raise click.UsageError(
                f"{shown} and --run exclude each other: the file says what is to be run."
            )
    from lm_debugger.runs.files import read

    return read(path)


def weights_options() -> list[Callable[..., Any]]:
    """Device, number format, revision: what `load_debugger` reads."""
    return [
        click.option(
            "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps"
        ),
        click.option(
            "--dtype",
            default="float32",
            show_default=True,
            type=click.Choice(["float32", "float16", "bfloat16"]),
        ),
        click.option("--revision", default=None, help="branch, tag or commit on the hub"),
    ]


def load_debugger(model: str, options: dict[str, Any], run: RunFile | None = None) -> Debugger:
    """The model that the options ask for; raises LoadError."""
    quiet_transformers()
    from lm_debugger.engine.debugger import Debugger

    try:
        return Debugger.load(
            model, device=options["device"], dtype=options["dtype"], revision=options["revision"]
        )
    except ModelNotFound as error:
        if run is None or run.model != model:
            raise
        raise ModelNotFound(
            f"{error.message} It is the model that the run names; MODEL before --run takes its "
            "place.",
            **error.details,
        ) from error


def quiet_transformers() -> None:
    """No progress bar for reading weights from disk; downloads still show theirs."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def interventions(options: dict[str, Any], at: Positions = "all") -> list[Intervention]:
    """The interventions among the options, at some positions of the prompt.

    Raises:
        InvalidIntervention: one is malformed, or a value vector is named twice: flags have no
            order among each other, so it would be open which of the two counts.
    """
    found: list[Intervention] = []
    for _, kind, form, _ in _FLAGS:
        for text in options[kind]:
            name, value = _split(text, form) if "=" in form else (text, None)
            where = ValueId.parse(name)
            if any(item.id == where for item in found):
                raise InvalidIntervention(f"{where} is named twice; give it one intervention.")
            found.append(Intervention(where.layer, where.dim, kind, value, positions=at))
    return found


def positions(text: str) -> Any:
    """`all`, `last`, or integers separated by commas.

    Raises:
        click.UsageError: it is neither.
    """
    if text in ("all", "last"):
        return text
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise click.UsageError(
            f"Positions are all, last or numbers such as 0,3,-1; not {text!r}."
        ) from error


def _split(text: str, form: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not equals or not math.isfinite(value):
        raise InvalidIntervention(f"{text!r} is not understood; write vector and number as {form}.")
    return name, value
