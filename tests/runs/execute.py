"""Programs run as their readers would run them: by another interpreter, and read by what they
print.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ast import literal_eval
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

SERVER = Path(__file__).parents[2] / "server"

# Many programs in one interpreter, as importing torch takes longer than running them.
_DRIVER = """
import contextlib, io, json, sys
programs = json.load(sys.stdin)
if sys.argv[1] == "without":
    sys.modules["lm_debugger"] = None  # importing it fails
printed = []
for code, argument in programs:
    sys.argv = ["program.py", argument]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "program.py", "exec"), {"__name__": "__main__"})
    printed.append(out.getvalue())
json.dump(printed, sys.__stdout__)
"""


@dataclass(frozen=True)
class Printed:
    """What a program says of one of the runs."""

    top: list[tuple[str, float]]
    """Text and probability, likeliest first."""
    text: str


Outcome: TypeAlias = dict[str, Printed]
"""By "unedited" and "edited"."""


def execute(programs: Sequence[tuple[str, Path]], *, with_package: bool) -> list[Outcome]:
    """What programs print.

    Args:
        programs: source, and the folder of the model as argument.
        with_package: may they import `lm_debugger`?
    """
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, "with" if with_package else "without"],
        input=json.dumps([(code, str(folder)) for code, folder in programs]),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SERVER)},
    )
    assert done.returncode == 0, done.stderr
    return [read(text) for text in json.loads(done.stdout)]


def read(text: str) -> Outcome:
    """The lines that either form of program prints."""
    found: Outcome = {}
    top: list[tuple[str, float]] = []
    for line in text.splitlines():
        run, _, rest = line.partition(" ")
        if rest == "prediction":
            top = []
        elif rest.startswith("text: "):
            found[run] = Printed(top, literal_eval(rest.removeprefix("text: ")))
        else:
            prob, _, token = line.strip().partition(" ")
            top.append((literal_eval(token), float(prob)))
    return found
