"""Values as Python source that a formatter would leave as it is, and from which nothing that a user
typed can break out: text becomes a literal, or a comment of one line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from lm_debugger.engine.types import ValueId
from lm_debugger.runs.schema import RunFile

LINE = 88
"""The usual width of a line, ruff's and black's."""

_LONGEST_COMMENT = 72


def text(value: str) -> str:
    """A string literal, in double quotes unless that costs more escapes. What does not print, such
    as line ends or marks that reverse the direction of writing, is escaped."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    inside = repr(value + "'\"")[1:-1]  # with both quotes inside, repr takes single ones
    inside = inside[: -len("\\'\"")].replace("\\'", "'")
    return f"{quote}{inside.replace(quote, chr(92) + quote)}{quote}"


def comment(value: str) -> str:
    """What stands after a "# ": one line of printing characters, cut to a sensible length."""
    line = "".join(character if character.isprintable() else " " for character in value)
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST_COMMENT else f"{line[: _LONGEST_COMMENT - 1]}…"


def literal(value: object, indent: int = 0, taken: int = 0) -> str:
    """A number, a text, None, or a tuple of such.

    Args:
        indent: of the line that it begins in.
        taken: columns of that line that something else takes, before it and after it.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, tuple):
        items = [literal(item, indent + 4, indent + 5) for item in value]  # and the comma
        return sequence("(", items, ")", indent, taken, single_comma=True)
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    return repr(value)


class Raw:
    """What is source already."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __repr__(self) -> str:
        return self._source


def call(name: str, arguments: Sequence[tuple[str, object]], indent: int, taken: int) -> str:
    """`name(value, key=value)`; a key of "" is a positional argument."""
    items = []
    for key, value in arguments:
        prefix = f"{key}=" if key else ""
        items.append(prefix + literal(value, indent + 4, indent + 4 + len(prefix) + 1))
    return name + sequence("(", items, ")", indent, taken + len(name))


def sequence(
    opening: str,
    items: Sequence[str],
    closing: str,
    indent: int,
    taken: int,
    *,
    single_comma: bool = False,
) -> str:
    """Items in brackets: in one line if they fit there, else a line each, with a comma at the end
    that makes formatters leave it so."""
    comma = "," if single_comma and len(items) == 1 else ""
    flat = f"{opening}{', '.join(items)}{comma}{closing}"
    if "\n" not in flat and taken + width(flat) <= LINE:
        return flat
    lines = "".join(f"{' ' * (indent + 4)}{item},\n" for item in items)
    return f"{opening}\n{lines}{' ' * indent}{closing}"


def assign(name: str, value: str) -> str:
    """`NAME = "text"`, in parentheses where it fits the line only so."""
    found = text(value)
    if width(f"{name} = {found}") > LINE >= 4 + width(found):
        return f"{name} = (\n    {found}\n)"
    return f"{name} = {found}"


def width(line: str) -> int:
    """Columns that a line takes, wide characters counting twice."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in line
    )


# --- what both programs have ---------------------------------------------------------------------


def position(run: RunFile) -> int:
    """Where the prediction is read."""
    return -1 if run.position is None else run.position


def named(at: ValueId, names: Mapping[str, str]) -> str:
    """A line of comment with the name of a value vector, if it has one."""
    name = comment(names.get(str(at), ""))
    return f"    # {at}: {name}\n" if name else ""
