"""What a server calls its models; on a hosted one, nothing that it tells is a path of its machine.

Strangers learn neither where things are on the machine nor who its users are. So a model that is a
folder goes by the folder's name, in every reply and in every request, and in the sentence on why a
model failed each path is cut down to its last name, whoever wrote it (this package, transformers,
the system). The log has the paths. A server that is not hosted tells them: they are the reader's.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from lm_debugger.engine.places import BUNDLED, folder_named, looks_like_path
from lm_debugger.errors import LoadError
from lm_debugger.settings import Settings

_STEP = r"[^\s\\/'\"`(),;:<>\[\]]+"
_START = r"(?<![\w./\\~<])"
_ANY = rf"(?:file:/+|~[\w.-]*/|/(?!/)|[A-Za-z]:[\\/]+){_STEP}"
_QUOTED = r"(?P<quote>['\"`])(?P<quoted>(?:~[\w.-]*/|/(?!/)|[A-Za-z]:[\\/])[^'\"`\n]+)(?P=quote)"
"""An absolute path in quotes may have blanks in it."""


class Names:
    """The models of one server.

    Args:
        models: as they are loaded: `demo`, hub ids, folders; all different.
        hosted: may strangers read what the server tells of them?

    Attributes:
        ids: of each, in the order given, what it is called in replies and requests.
    """

    def __init__(self, models: Iterable[str], *, hosted: bool = False) -> None:
        given = list(models)
        self._is_hosted = hosted
        self.ids = _without_paths(given) if hosted else {name: name for name in given}
        self._roots = {
            path: id for name, id in self.ids.items() if id != name for path in _spellings(name)
        }

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of a server with these settings."""
        return cls(settings.models, hosted=settings.hosted)

    def told(self, error: LoadError) -> LoadError:
        """Why a model failed, as whoever asks the server may read it."""
        if not self._is_hosted:
            return error
        return type(error)(self._value(error.message), **self._value(error.details))

    @cached_property
    def _path(self) -> re.Pattern[str]:
        """An absolute path within a sentence. Those that begin with a known folder may have blanks
        there."""
        from huggingface_hub import constants

        usual = (os.path.expanduser("~"), tempfile.gettempdir(), constants.HF_HUB_CACHE)
        known = sorted({*self._roots, *usual} - {os.sep, "~"}, key=len, reverse=True)
        roots = "|".join(re.escape(root) + r"(?!\.?[\w-])" for root in known)
        return re.compile(rf"{_QUOTED}|{_START}(?:{roots}|{_ANY})(?:[\\/]+{_STEP})*[\\/]?")

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self._path.sub(self._cut, value)
            case dict():
                return {key: self._value(inner) for key, inner in value.items()}
            case list() | tuple():
                return [self._value(inner) for inner in value]
            case _:
                return value

    def _cut(self, found: re.Match[str]) -> str:
        quote, path = found["quote"] or "", found["quoted"] or found[0]
        for root, id in sorted(self._roots.items(), reverse=True):  # the inner of two first
            if path == root or path.startswith((root + "/", root + os.sep)):
                return f"{quote}{id}{path[len(root) :]}{quote}"
        last = re.split(r"[\\/]+", path.rstrip("\\/"))[-1]
        return f"{quote}{last}{quote}"


def _without_paths(given: list[str]) -> dict[str, str]:
    """Each model's own name: a folder's is its last, with a number where that is taken."""
    ids = {name: name for name in given if not _is_folder(name)}
    for name in given:
        if name not in ids:
            own = Path(os.path.abspath(Path(name).expanduser())).name or "model"
            ids[name] = next(id for id in _numbered(own) if id not in ids.values())
    return {name: ids[name] for name in given}


def _is_folder(name: str) -> bool:
    """Is a model of this name read from the folder of that path, if at all?"""
    return name not in BUNDLED and (folder_named(name) is not None or looks_like_path(name))


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _spellings(name: str) -> Iterator[str]:
    """The ways in which a sentence may write the path of a folder."""
    path = Path(name).expanduser()
    for written in (name, os.path.abspath(path), os.path.realpath(path)):
        if os.sep in written.strip(os.sep):  # "." is in every sentence
            yield written.rstrip(os.sep)
