"""Run files on disk, as the page saved them."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import from_json

from lm_debugger.errors import InvalidInput
from lm_debugger.json_input import checked
from lm_debugger.runs.schema import FORMAT, VERSION, RunFile

MAX_BYTES = 1_000_000
"""A run is a prompt and some edits: what is larger is something else."""


class InvalidRunFile(InvalidInput):
    """A file is no run, or one that this version does not understand."""

    code = "invalid_run_file"


def read(path: Path) -> RunFile:
    """The run in a file. Whether its model has these layers is the engine's business.

    Raises:
        InvalidRunFile: the sentence names the file and, where one is wrong, the key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _invalid(path, f"cannot be read ({error.strerror})") from error
    if len(text) > MAX_BYTES:
        raise _invalid(path, f"is no run: it is larger than {MAX_BYTES} bytes")
    _check_kind(path, text)
    try:
        return checked(RunFile, text, "the file")
    except InvalidInput as error:
        raise InvalidRunFile(f"{path}: {error.message}", **error.details) from error


def _check_kind(path: Path, text: bytes) -> None:
    """Raise if this is JSON of another kind, or of a later version; `checked` does the rest."""
    try:
        found = from_json(text)
    except ValueError:
        return
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise _invalid(path, f'is no run: it does not say "format": "{FORMAT}"')
    version = found.get("version")
    if isinstance(version, int) and version > VERSION:
        raise _invalid(
            path,
            f"is a run of version {version}, which a newer LM-Debugger wrote; this one reads "
            f"version {VERSION}",
        )


def _invalid(path: Path, what: str) -> InvalidRunFile:
    return InvalidRunFile(f"{path} {what}.", file=str(path))
