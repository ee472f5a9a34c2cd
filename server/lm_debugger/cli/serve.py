"""`lm-debugger serve`: the page and the API on one port."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lm_debugger import __version__
from lm_debugger.cli.output import let_go
from lm_debugger.settings import Settings
from lm_debugger.settings_sources import load
from lm_debugger.settings_table import Setting, table

if TYPE_CHECKING:
    from lm_debugger.api.progress import Report
    from lm_debugger.api.registry import Entry
    from lm_debugger.api.server import Server
    from lm_debugger.engine.debugger import Debugger


def setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """One flag for every setting but `models`; the settings themselves check the values."""
    for row in reversed([row for row in table() if row.name != "models"]):
        default = ", ".join(row.default) if row.is_list else row.default
        shown = f"  [default: {default}]" if default not in (None, "") else ""
        command = click.option(
            row.flag,
            row.name,
            default=None,
            multiple=row.is_list,
            is_flag=row.default is False,
            help=f"{row.description}{shown}",
            metavar=_metavar(row),
        )(command)
    return command


def _metavar(row: Setting) -> str | None:
    match row.default:
        case False:
            return None  # a switch takes no value
        case str() | list() | None:
            return "TEXT"
        case _:
            return "N"


@click.command("serve")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--config",
    "--config_path",
    "config",
    type=click.Path(path_type=Path),
    help="Jsonnet file of settings; flags and LM_DEBUGGER_* variables win over it",
)
@setting_flags
def command(models: tuple[str, ...], config: Path | None, **flags: Any) -> None:
    """Serve the page and the API.

    MODEL is `demo` (the bundled one, the default), a hub id such as gpt2-medium, or a folder. The
    first is what requests get that name none.
    """
    given = {name: list(v) or None if isinstance(v, tuple) else v for name, v in flags.items()}
    loaded = load(config, {"models": list(models) or None, **given})
    _log_as(loaded.settings)
    for notice in loaded.notices:
        logging.getLogger("lm_debugger").warning(notice)
    _serve(loaded.settings)


def _serve(settings: Settings) -> None:
    from lm_debugger.api.naming import Names
    from lm_debugger.api.registry import ModelRegistry, indexer, loader
    from lm_debugger.api.server import Server
    from lm_debugger.api.spa import is_built
    from lm_debugger.cli.model import quiet_transformers

    load_one = loader(settings)

    def load_model(name: str, report: Report) -> Debugger:
        quiet_transformers()
        return load_one(name, report)

    def changed(entry: Entry) -> None:
        _announce(entry)
        # Libraries and models stay for good. Looking through them for garbage again and again took
        # 50 ms, every few requests.
        gc.collect()
        gc.freeze()
        if settings.auto_index and entry.index is not None:
            entry.index.start()
        if registry.state == "failed":
            server.stop()

    registry = ModelRegistry(Names.of(settings), load_model, indexer(settings), changed)
    server = Server(settings, registry)
    signal.signal(signal.SIGTERM, lambda *_: server.end())
    try:
        _banner(server, settings, built=is_built())
        registry.start()
        server.run()
    except KeyboardInterrupt:  # before `run`, which ends by itself
        server.stop()
    finally:
        registry.close()
    if registry.state == "failed":
        raise click.ClickException("None of the models could be loaded; nothing to serve.")
    _say("Stopped.")


def _say(text: str, *, to_stderr: bool = False) -> None:
    """Print; a server whose output nobody reads any more (`serve | head`) serves on."""
    try:
        click.echo(text, err=to_stderr)
    except BrokenPipeError:
        let_go()


def _banner(server: Server, settings: Settings, *, built: bool) -> None:
    from lm_debugger.api.limits import is_loopback

    _say(f"LM-Debugger {__version__}\n\n  {server.url}\n")
    if server.explore_url:
        _say(f"  Links of LM-Debugger's own page, to {server.explore_url}, lead there too.")
    if not is_loopback(settings.host):
        _say("  Other machines can reach this server, and it asks nobody for a password.")
    if not built:
        _say("  The page is not built here; the API answers (see /docs).")
    _say(f"  Loading {', '.join(settings.models)} … Ctrl-C stops the server.")
    if settings.listen_when_ready:
        _say("  Until they are loaded, connections are refused.")


def _announce(entry: Entry) -> None:
    if entry.debugger is None:
        why = entry.error.message if entry.error else "failed"
        _say(f"  {entry.id}: {why}", to_stderr=True)
        return
    info = entry.debugger.info
    _say(
        f"  {entry.id}: ready ({info.n_layers} layers of {info.ffn_width} value vectors, "
        f"{info.dtype}, {info.device})"
    )


def _log_as(settings: Settings) -> None:
    from lm_debugger.api.request_log import JsonFormatter

    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else text)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # waiting is normal: see `threads`
