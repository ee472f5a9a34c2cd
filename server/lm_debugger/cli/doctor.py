"""`lm-debugger doctor`: is everything here that the debugger needs, and does it work?"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click
from platformdirs import user_cache_dir

from lm_debugger import __version__
from lm_debugger.cli.model import load_debugger, weights_options
from lm_debugger.engine.capabilities import OF_SOME
from lm_debugger.engine.types import ModelInfo, SelfCheck
from lm_debugger.errors import InvalidInput

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger

_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "flask",
    "waitress",
    "pydantic",
    "jsonnet",
)
_OPS = ("flask-limiter", "prometheus-client", "redis")
"""The extra `ops`."""


def _with_weights_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in reversed(weights_options()):
        command = decorate(command)
    return command


@click.command("doctor")
@click.argument("model", required=False)
@_with_weights_options
def command(model: str | None, **options: Any) -> None:
    """Check this installation, and MODEL if one is named; exit status 1 if something does not
    work."""
    checks: list[tuple[str, Callable[[], Iterator[str]]]] = [
        ("versions", _versions),
        ("device", _device),
        ("memory", _memory),
        ("model cache", _cache),
        ("index cache", _index_cache),
        ("hosting", _hosting),
        ("page", _page),
        ("demo model", _demo),
    ]
    if model is not None:
        checks.append((f"model {model}", partial(_model, model, options)))
    sound = True
    for name, check in checks:
        click.echo(f"{name}")
        try:
            for line in check():
                click.echo(f"  {line}")
        except Exception as error:  # whatever is broken is what doctor is to report
            sound = False
            click.echo(f"  FAILED: {error}")
    if not sound:
        raise click.ClickException("Something does not work; see FAILED above.")


def _versions() -> Iterator[str]:
    yield f"lm-debugger {__version__}"
    yield f"python {platform.python_version()} on {platform.system()} {platform.machine()}"
    missing = []
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        raise RuntimeError(f"not installed: {', '.join(missing)}")


def _device() -> Iterator[str]:
    import torch

    from lm_debugger.engine.loading import choose_device

    yield f"auto chooses {choose_device('auto')}"
    yield f"{torch.get_num_threads()} threads on {os.cpu_count()} processors"
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield f"cuda:{index} {torch.cuda.get_device_name(index)}"


def _cache() -> Iterator[str]:
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    folder = Path(HF_HUB_CACHE)
    yield f"folder {folder}{'' if folder.is_dir() else ' (not there yet)'}"
    models = sorted(path.name for path in folder.glob("models--*"))
    names = [name.removeprefix("models--").replace("--", "/") for name in models]
    yield f"models: {', '.join(names) or 'none'}"
    yield f"hub: {'offline (HF_HUB_OFFLINE)' if HF_HUB_OFFLINE else 'asked for what is not there'}"


def _memory() -> Iterator[str]:
    from lm_debugger.api.capacity import free_memory

    free = free_memory()
    yield "not told by this system" if free is None else f"{free / 1e6:,.0f} MB free for models"


def _index_cache() -> Iterator[str]:
    from lm_debugger.settings_sources import load

    folder = load().settings.cache_dir or Path(user_cache_dir("lm-debugger")) / "index"
    yield f"folder {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RuntimeError(
            f"it cannot be written ({error.strerror}), so indexes would not be kept; name another "
            "with LM_DEBUGGER_CACHE_DIR or --cache-dir"
        ) from error
    yield f"writable, {shutil.disk_usage(folder).free / 1e6:,.0f} MB free"


def _hosting() -> Iterator[str]:
    missing = []
    for package in _OPS:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        yield f"not installed: {', '.join(missing)}"
        yield 'only --hosted and --metrics need them: pip install "lm-debugger[ops]"'


def _page() -> Iterator[str]:
    from lm_debugger.api.spa import WEB, is_built

    if not is_built():
        raise RuntimeError(f"not built: there is no index.html in {WEB}")
    yield f"built, in {WEB}"


def _demo() -> Iterator[str]:
    start = time.perf_counter()
    debugger = load_debugger("demo", {"device": "auto", "dtype": "float32", "revision": None})
    yield f"loaded in {time.perf_counter() - start:.1f} s"
    start = time.perf_counter()
    trace = debugger.trace("My wife is working as a", top_k=1)
    seconds = time.perf_counter() - start
    word = trace.unedited.positions[0].prediction.top[0].token.text
    yield f"traced in {seconds:.2f} s: My wife is working as a{word}"


def _model(model: str, options: dict[str, Any]) -> Iterator[str]:
    start = time.perf_counter()
    debugger = load_debugger(model, options)
    info = debugger.info
    yield (
        f"loaded in {time.perf_counter() - start:.1f} s: {info.architecture}, {info.n_layers} "
        f"layers, {info.n_parameters:,} parameters in {info.dtype} on {info.device}"
    )
    yield from _kind(info, debugger.adapter.softcap)
    yield from _self_check(info.self_check)
    unread = debugger.checkpoint.unread_keys
    yield (
        "keys of its config.json that transformers does not read, so that they change no number: "
        f"{', '.join(unread) or 'none'}"
    )
    tokens = len(debugger.checkpoint.tokenizer)
    if tokens > info.vocab_size:
        yield (
            f"its tokenizer has {tokens:,} tokens, its embedding {info.vocab_size:,} rows: a "
            "prompt with one of the others is refused"
        )
    unembedding = "the embedding matrix" if info.tied_unembedding else "a matrix of its own"
    yield f"its unembedding is {unembedding}"
    yield f"put in front of prompts: {_in_front(debugger) or 'nothing'}"


def _in_front(debugger: Debugger) -> str:
    """The token that begins texts, where prompts have it that do not name it."""
    begin = debugger.checkpoint.tokenizer.bos_token_id
    with suppress(InvalidInput):  # there are tokenizers without an "a"
        first = debugger.tokenize("a")[0]
        return first.text if first.id == begin else ""
    return ""


def _kind(info: ModelInfo, softcap: float | None) -> Iterator[str]:
    """What its blocks are like, as far as rules depend on it, and what it cannot be asked."""
    order = "side by side" if info.parallel else "one after the other"
    ffn = "a gated FFN" if info.gated else "a plain FFN"
    norm = " with a norm behind it" if info.post_norm else ""
    cap = "" if softcap is None else f"; logits are capped at {softcap:g} (rule 23)"
    yield f"its blocks: attention and {ffn}{norm}, {order}{cap}"
    missing = [told for name, told in OF_SOME.items() if name not in info.capabilities]
    yield f"what it cannot be asked: {'; '.join(missing) or 'nothing'}"


def _self_check(found: SelfCheck) -> Iterator[str]:
    """Its identities (rule 25), each with how far it is off."""
    yield (
        f"self-check in {found.seconds:.2f} s: on this machine equal to transformers to "
        f"{found.error:.1e} of the largest value (rule 25)"
    )
    for each in found.equalities:
        yield f"  {each.error:.1e}  {each.name}: {each.meaning}"
