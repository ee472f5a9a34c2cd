"""What `trace` and `generate` share: the model's options, interventions as flags."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from lm_debugger.engine.types import Intervention, Kind, ValueId
from lm_debugger.errors import InvalidIntervention

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger

_FLAGS: tuple[tuple[str, Kind, str, str], ...] = (
    ("--suppress", "off", "L3D7", "switch a value vector off (rule 9)"),
    ("--boost", "on", "L5D9", "switch a value vector on (rule 9)"),
    ("--set", "set", "L1D2=3.0", "set its coefficient"),
    ("--scale", "scale", "L1D2=0.5", "multiply its coefficient"),
    ("--add", "add", "L1D2=-1", "add to its coefficient"),
)


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL and PROMPT, device, number format, revision, interventions."""
    decorators = [
        click.argument("model"),
        click.argument("prompt"),
        *(
            click.option(flag, kind, multiple=True, metavar=form, help=f"{text}; may be repeated")
            for flag, kind, form, text in _FLAGS
        ),
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


def load_debugger(model: str, options: dict[str, Any]) -> Debugger:
    """The model that the options ask for; raises LoadError."""
    quiet_transformers()
    from lm_debugger.engine.debugger import Debugger

    return Debugger.load(
        model, device=options["device"], dtype=options["dtype"], revision=options["revision"]
    )


def quiet_transformers() -> None:
    """No progress bar for reading weights from disk; downloads still show theirs."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def interventions(options: dict[str, Any]) -> list[Intervention]:
    """The interventions among the options.

    Raises:
        InvalidIntervention: one is malformed, or a value vector is named twice: flags have no
            order among each other, so it would be open which of the two counts.
    """
    at = positions(options["edit_at"])
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


def shown(tokens: Sequence[str]) -> str:
    return " ".join(visible(token) for token in tokens)


def visible(text: str) -> str:
    """A token's text with its white space made visible."""
    for character, sign in ((" ", "·"), ("\n", "⏎"), ("\t", "⇥"), ("\r", "␍")):
        text = text.replace(character, sign)
    return "".join(character if character.isprintable() else "�" for character in text)


def _split(text: str, form: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not equals or not math.isfinite(value):
        raise InvalidIntervention(f"{text!r} is not understood; write vector and number as {form}.")
    return name, value
