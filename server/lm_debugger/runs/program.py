"""A run as a Python program that prints the run's numbers: with this package, or with hooks on a
plain `transformers` model, for whoever wants to see how little there is to it.

Text of the user's is in these programs only as string literals and as comments of one line, both
made by `source`. Both programs print the same lines: the ten likeliest tokens at the traced
position and the continuation, without and with the interventions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from lm_debugger.engine.types import LIMITS, Intervention
from lm_debugger.runs import source
from lm_debugger.runs.schema import RunFile
from lm_debugger.runs.with_transformers import with_transformers

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger

Form: TypeAlias = Literal["lm_debugger", "transformers"]

_HEAD = '''\
"""A run of LM-Debugger: what a model predicts, without and with interventions."""

from lm_debugger import {names}
'''

_SHOW = '''\


def show(title, interventions=()):
    """Print the ten likeliest tokens after POSITION, and the continuation of the prompt."""
    trace = debugger.trace(PROMPT, interventions, positions=POSITION)
    print(f"{{title}} prediction")
    for item in (trace.edited or trace.unedited).positions[0].prediction.top:
        print(f"  {{item.prob:.8f}} {{item.token.text!r}}")
    generation = debugger.generate(PROMPT, interventions, {options})
    print(f"{{title}} text: {{generation.text!r}}")


'''


def program(run: RunFile, debugger: Debugger, form: Form) -> str:
    """The source of a program for `run`.

    Args:
        debugger: the run's model; it is named by its id.

    Raises:
        InvalidInput: the model cannot do this run; one of its subclasses says why.
    """
    interventions = run.checked_interventions()
    run.sampling.checked()
    debugger.model.check_run(run.prompt, interventions, source.position(run), run.max_new_tokens)
    if form == "transformers":
        return with_transformers(run, interventions, debugger)
    return _with_package(run, interventions, debugger)


def _with_package(run: RunFile, interventions: Sequence[Intervention], debugger: Debugger) -> str:
    sampled = run.sampling.checked().temperature > 0
    limits = _limits(run)
    names = ["Debugger", *["Intervention"] * bool(interventions), *["Sampling"] * sampled]
    parts = [
        _HEAD.format(names=", ".join(names)),
        "from lm_debugger.engine.types import Limits\n" if limits else "",
        "\n",
        source.assign("PROMPT", run.prompt) + "\n",
        f"POSITION = {source.position(run)}  # of the prompt: where the prediction is read\n",
        f"MAX_NEW_TOKENS = {run.max_new_tokens}\n",
        f"SAMPLING = {_sampling(run)}\n" if sampled else "",
    ]
    if interventions:
        lines = "".join(_intervention(item, run) for item in interventions)
        parts.append(f"INTERVENTIONS = [\n{lines}]\n")
    parts += [
        f"\ndebugger = {_load(debugger, limits)}\n",
        _SHOW.format(options="MAX_NEW_TOKENS, SAMPLING" if sampled else "MAX_NEW_TOKENS"),
        'show("unedited")\n',
        'show("edited", INTERVENTIONS)\n' if interventions else "",
    ]
    return "".join(parts)


def _limits(run: RunFile) -> str:
    """`Limits(...)` where a program's own would be too low for the run."""
    asked = [
        ("max_interventions", len(run.interventions), LIMITS.max_interventions),
        ("max_new_tokens", run.max_new_tokens, LIMITS.max_new_tokens),
    ]
    more = [(name, wanted) for name, wanted, usual in asked if wanted > usual]
    return source.call("Limits", more, 4, 4 + len("limits=,")) if more else ""


def _load(debugger: Debugger, limits: str) -> str:
    checkpoint, dtype = debugger.checkpoint, debugger.info.dtype
    arguments: list[tuple[str, object]] = [("", debugger.info.id)]
    if dtype != "float32":
        arguments.append(("dtype", dtype))
    if checkpoint.revision is not None:
        arguments.append(("revision", checkpoint.revision))
    if limits:
        arguments.append(("limits", source.Raw(limits)))
    return source.call("Debugger.load", arguments, 0, len("debugger = "))


def _sampling(run: RunFile) -> str:
    asked = run.sampling.checked()
    arguments: list[tuple[str, object]] = [
        ("temperature", asked.temperature),
        ("top_p", asked.top_p),
        ("seed", asked.seed),
    ]
    return source.call("Sampling", arguments, 0, len("SAMPLING = "))


def _intervention(item: Intervention, run: RunFile) -> str:
    """Its lines in the list, after one with its name, if it has one."""
    arguments: list[tuple[str, object]] = [("", str(item.id))]
    if item.value is not None:
        arguments.append(("", item.value))
    if item.positions != "all":
        arguments.append(("positions", item.positions))
    if item.generated is not None:
        arguments.append(("generated", item.generated))
    made = source.call(f"Intervention.{item.kind}", arguments, 4, 4 + 1)
    return f"{source.named(item.id, run.names)}    {made},\n"
