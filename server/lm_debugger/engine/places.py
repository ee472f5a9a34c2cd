"""Where a checkpoint's files are: bundled, in a folder, in the hub's cache, or still on the hub.

Whatever the name, loading ends up reading a folder of this machine, so that what is wrong with its
files can be looked at before a sentence says it (`files`). Here is decided which folder, whether
the hub is asked, and what is fetched from it. Neither torch nor transformers is imported.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from lm_debugger.engine.files import ADAPTER, CONFIG, INDEX, TOKENIZER_FILES, WEIGHTS, merge_advice
from lm_debugger.errors import InvalidCheckpoint, ModelNotFound

log = logging.getLogger(__name__)

BUNDLED = ("demo",)
"""Names of models that come with this package."""

_PROBE_SECONDS = 5
"""A hub that has not answered a HEAD request by then counts as away."""

_REMEMBER_SECONDS = 60
"""So long it is not asked again once it was found away."""

_away: tuple[float, str] | None = None
"""When the hub was found away, and how."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model's files are.

    Attributes:
        name: as it was asked for.
        folder: that has them; None: they have to be fetched from the hub.
        cached: what the hub's cache has of it so far, where it has to be fetched.
        revision: branch, tag or commit, as it was asked for; a folder has none but keeps the word.
        why_here: a sentence on why the hub is not asked, for what is missing in its cache; empty
            for what is not the cache's.
    """

    name: str
    folder: Path | None
    cached: Path | None = None
    revision: str | None = None
    why_here: str = ""

    @property
    def words(self) -> str:
        """What the folder is, for a sentence."""
        if self.name in BUNDLED:
            return f"the folder of the bundled model, {self.folder}"
        if self.why_here:
            why = self.why_here[0].lower() + self.why_here[1:].rstrip(".")
            return f"the hub's cache, {self.folder} ({why})"
        return str(self.folder)


def find(name_or_path: str, revision: str | None = None) -> Place:
    """Where a model is, by its name; asks the hub for no more than whether it is there.

    Bundled model -> its folder; folder -> itself; anything else must look like a hub id. A path
    that does not exist is an error, never a download. A hub that cannot be reached, or that says
    no, does not matter where the cache has the model.

    Raises:
        ModelNotFound: it is in no place that was looked at; the sentence names them.
        InvalidCheckpoint: the hub has something of that name that is no whole model.
    """
    if name_or_path in BUNDLED:
        return Place(name_or_path, Path(str(resources.files("lm_debugger.demo") / "model")))
    path = folder_named(name_or_path)
    if path is not None:
        return Place(name_or_path, path, revision=revision)
    if looks_like_path(name_or_path):
        raise ModelNotFound(f"There is no folder {name_or_path!r}.", model=name_or_path)
    _check_hub_id(name_or_path)
    return _on_the_hub(name_or_path, revision)


def folder_named(name: str) -> Path | None:
    """The folder that a name is the path of, if there is one."""
    try:
        path = Path(name).expanduser()
        return path if name.strip() and path.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long; ~ of nobody; a zero byte
        return None


def fetch(place: Place, bar: type[Any] | None = None) -> Path:
    """The folder with a model's files, brought into the cache where they are not there yet.

    Args:
        bar: a `tqdm_class` that is told of the weights' bytes.

    Raises:
        InvalidCheckpoint: it has no weights that are read, or no config.
        ModelNotFound: the hub stopped answering.
    """
    if place.folder is not None:
        return place.folder
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    revision = place.revision

    def get(file: str, **options: Any) -> Path | None:
        try:
            return Path(hf_hub_download(place.name, file, revision=revision, **options))
        except EntryNotFoundError:
            return None

    try:
        config = get(CONFIG)
        if config is None:
            raise _no_config(place.name, has_adapter=get(ADAPTER) is not None)
        folder = config.parent
        revision = folder.name  # the commit: a push meanwhile mixes nothing
        # The weights come last: where they are, the rest was there to be had, too.
        for file in ("generation_config.json", *TOKENIZER_FILES):
            get(file)
        show = {} if bar is None else {"tqdm_class": bar}
        if get(WEIGHTS, **show) is None:
            index = get(INDEX)
            if index is None:
                raise _no_weights(place.name, has_adapter=get(ADAPTER) is not None)
            for part in shards(index):
                get(part, **show)  # which one is missing is said by whoever reads the folder
    except OSError as error:  # the hub's own errors among them
        raise ModelNotFound(
            f"{place.name!r} could not be fetched from the hub ({_how(error)}).", model=place.name
        ) from error
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a folder's weights; empty where they are not all there."""
    whole = folder / WEIGHTS
    if whole.is_file():
        return [whole]
    files = [folder / part for part in shards(folder / INDEX)]
    return files if all(file.is_file() for file in files) else []


def shards(index: Path) -> list[str]:
    """The files that an index of weights names, sorted; empty where it cannot be read."""
    try:
        names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return []
    return sorted(map(str, names))


def looks_like_path(name: str) -> bool:
    """Can it be nothing but the path of a folder, whether there is one or not?"""
    return (
        not name.strip()
        or name.startswith((".", "/", "~", os.sep))
        or name.count("/") > 1
        or (os.sep != "/" and os.sep in name)
    )


def _check_hub_id(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ModelNotFound(
            f"{name!r} is no folder here and cannot be a hub id: {_first_line(error)}", model=name
        ) from error


def _on_the_hub(name: str, revision: str | None) -> Place:
    from huggingface_hub import constants

    cached = _snapshot(name, revision)
    if constants.HF_HUB_OFFLINE:
        why: Exception | str = "The hub is not asked, as HF_HUB_OFFLINE is set."
    else:
        answer = _ask(name, revision)
        if answer is None:
            return Place(name, None, cached, revision)
        why = answer
    if cached is not None:
        if isinstance(why, Exception):
            why = _refusal(name, revision, why).message
        log.info("loading %s from the cache: %s", name, why)
        return Place(name, cached, revision=revision, why_here=why)
    if isinstance(why, Exception):
        raise _refusal(name, revision, why) from why
    raise ModelNotFound(f"{_nowhere(name, revision)} {why}", model=name)


def _ask(name: str, revision: str | None) -> Exception | str | None:
    """None: the hub has it. Otherwise what it said, or a sentence on how it cannot be reached."""
    global _away
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    if _away is not None and time.monotonic() - _away[0] < _REMEMBER_SECONDS:
        return _away[1]
    try:
        get_hf_file_metadata(hf_hub_url(name, CONFIG, revision=revision), timeout=_PROBE_SECONDS)
    except HfHubHTTPError as error:
        return error
    except Exception as error:  # however the network fails
        sentence = f"The hub could not be reached ({_how(error)})."
        _away = (time.monotonic(), sentence)
        return sentence
    return None


def _refusal(
    name: str, revision: str | None, error: Exception
) -> ModelNotFound | InvalidCheckpoint:
    """What the hub's answer means, in a sentence."""
    from huggingface_hub import errors as hub

    here = _nowhere(name, revision)
    match error:
        case hub.GatedRepoError():
            said = "On the hub it is gated: accept its terms there, and log in (hf auth login)."
        case hub.RevisionNotFoundError():
            said = f"The hub has no revision {revision!r} of it."
        case hub.RepositoryNotFoundError():
            said = (
                "The hub shows no model of that name to this machine; a private one needs a token "
                "(hf auth login)."
            )
        case hub.EntryNotFoundError():
            return _no_config(name, has_adapter=_has_adapter(name, revision))
        case _:
            said = f"The hub answered: {_how(error)}."
    return ModelNotFound(f"{here} {said}", model=name)


def _has_adapter(name: str, revision: str | None) -> bool:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        get_hf_file_metadata(hf_hub_url(name, ADAPTER, revision=revision), timeout=_PROBE_SECONDS)
    except Exception:  # it is not there, or cannot be seen: nothing is said of it then
        return False
    return True


def _no_config(name: str, *, has_adapter: bool) -> InvalidCheckpoint:
    more = f" {merge_advice({})}" if has_adapter else ""
    return InvalidCheckpoint(f"{name} has no {CONFIG} on the hub.{more}", model=name)


def _no_weights(name: str, *, has_adapter: bool) -> InvalidCheckpoint:
    more = merge_advice({}) if has_adapter else "Weights in other formats are not loaded."
    return InvalidCheckpoint(
        f"{name} has neither {WEIGHTS} nor {INDEX} on the hub. {more}", model=name
    )


def _nowhere(name: str, revision: str | None) -> str:
    """That it is not here, with the places that were looked at."""
    repository = _repository(name)
    if not repository.is_dir():
        return f"{name!r} is neither a folder here nor a model in the hub's cache, {repository}."
    if revision is None:
        return f"The hub's cache, {repository}, has no snapshot of {name}'s default revision."
    known = ", ".join(_revisions(repository)) or "none"
    return f"The hub's cache has no revision {revision!r} of {name}, but these: {known}."


def _repository(name: str) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")


def _snapshot(name: str, revision: str | None) -> Path | None:
    """The folder of a revision in the hub's cache: refs name snapshots, commits are their names."""
    repository = _repository(name)
    ref = repository / "refs" / (revision or "main")
    try:
        commit = ref.read_text("utf-8").strip() if ref.is_file() else revision
    except (OSError, ValueError):
        return None
    if not commit:
        return None
    folder = repository / "snapshots" / commit
    return folder if folder.is_dir() else None


def _revisions(repository: Path) -> Iterator[str]:
    refs = repository / "refs"
    for file in sorted(refs.rglob("*")):
        if file.is_file():
            yield file.relative_to(refs).as_posix()
    yield from sorted(path.name for path in (repository / "snapshots").glob("*"))


def _how(error: BaseException) -> str:
    return _first_line(error).rstrip(".")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
