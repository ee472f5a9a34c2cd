"""Settings from a file, the environment and flags: `load` reads all three.

A later one of the three wins. What becomes of LM-Debugger's own config files is in
`reference_config.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lm_debugger import reference_config
from lm_debugger.errors import SettingsError
from lm_debugger.near import nearest
from lm_debugger.settings import BUILD_PREFIX, PATTERNS, PREFIX, Settings
from lm_debugger.settings_table import table


@dataclass(frozen=True)
class Loaded:
    """Settings, and what whoever gave them should know: a line each."""

    settings: Settings
    notices: tuple[str, ...]


def load(config: Path | None = None, flags: Mapping[str, Any] | None = None) -> Loaded:
    """Read the settings: file < environment < flags.

    Args:
        config: a Jsonnet (or JSON) file; LM-Debugger's own are understood too.
        flags: values by setting name; None means "not given".

    Raises:
        SettingsError: a file that cannot be read, an unknown name, a value that is not allowed.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    in_environment = _in_environment()
    decided = {*in_environment, *given}
    found = reference_config.translate(_read_jsonnet(config) if config else {}, decided)
    in_file = found.settings
    _refuse_unknown(in_file, config)
    # What is passed to the model wins over the environment there, so the file must not say what
    # the environment says.
    unopposed = {name: value for name, value in in_file.items() if name not in in_environment}
    try:
        settings = Settings(**{**unopposed, **given})
    except ValidationError as error:
        origins = {name: str(config) for name in in_file} | in_environment
        origins |= {row.name: row.flag for row in table() if row.name in given}
        raise _readable(error, origins) from error
    notices = [f"In {config}, {notice}." for notice in found.notices]
    notices += _cut(settings, {n: theirs for n, theirs in found.names.items() if n not in decided})
    if found.ignored:
        names = ", ".join(found.ignored)
        notices.append(f"Ignored in {config}, as they mean nothing to this server: {names}.")
    return Loaded(settings, tuple(notices))


def _cut(settings: Settings, names: Mapping[str, str]) -> list[str]:
    """Lists of LM-Debugger's routes that are shorter than was asked for."""
    most = settings.max_top_k
    return [
        f"{names.get(name, name)} is cut from {wanted} to {most}, the setting max_top_k."
        for name in ("legacy_top_k", "legacy_projection_top_k")
        if (wanted := getattr(settings, name)) > most
    ]


def _in_environment() -> dict[str, str]:
    """Setting name -> variable, of those that the environment sets; raises SettingsError."""
    ours = [n for n in os.environ if n.startswith(PREFIX) and not n.startswith(BUILD_PREFIX)]
    known = {row.environment: row.name for row in table()}
    for variable in ours:
        if variable not in known:
            meant = nearest(variable.removeprefix(PREFIX), known.values())
            hint = f"did you mean {PREFIX}{meant.upper()}?" if meant else _known(known)
            raise SettingsError(
                f"Unknown setting {variable} in the environment; {hint}", name=variable
            )
    return {known[variable]: variable for variable in ours}


def _read_jsonnet(path: Path) -> dict[str, Any]:
    import _jsonnet  # compiled, and needed only where there is a file

    if not path.is_file():
        raise SettingsError(f"There is no config file {path}.", file=str(path))
    try:
        values = json.loads(_jsonnet.evaluate_file(str(path)))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise SettingsError(f"{path} is not valid Jsonnet: {reason}", file=str(path)) from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path} must hold an object of settings.", file=str(path))
    return values


def _refuse_unknown(names: Iterable[str], file: Path | None) -> None:
    known = [row.name for row in table()]
    for name in names:
        if name not in known:
            meant = nearest(name, [*known, *reference_config.RENAMED, *reference_config.OTHERS])
            hint = f"did you mean {meant}?" if meant else _known(known)
            raise SettingsError(f"Unknown setting {name} in {file}; {hint}", name=name)


def _known(names: Iterable[str]) -> str:
    return f"known are {', '.join(names)}."


def _readable(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    """The first thing that is wrong, as one sentence that says where it came from."""
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    if first["type"] == "string_pattern_mismatch":
        reason = PATTERNS[first["ctx"]["pattern"]]
    reason = reason.replace("Input should be", "must be")
    origin = origins.get(name)
    shown = json.dumps(first["input"], default=str)
    return SettingsError(
        f"The setting {name}{f' (from {origin})' if origin else ''}: {reason}; it is {shown}.",
        name=name,
    )
