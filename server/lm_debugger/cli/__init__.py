"""The command `lm-debugger`. Each subcommand is one module, imported when it is called for.

A failure that a caller can cause is one sentence on stderr and exit status 1; wrong usage is 2.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from lm_debugger import __version__
from lm_debugger.cli.output import make_lossless
from lm_debugger.errors import DebuggerError

COMMANDS = {
    "serve": "Serve the page and the API in the browser.",
    "trace": "Show how each layer changes the prediction for a prompt.",
    "generate": "Continue a prompt, token by token.",
    "bake": "Write a checkpoint with interventions in its weights.",
    "search": "Find value vectors that promote words.",
    "index": "Build the index that Explore searches, ahead of time.",
    "doctor": "Check this installation: versions, device, caches, page, model.",
    "openapi": "Print the API's OpenAPI document.",
    "settings": "Print the settings as they are in force, or their table.",
}


class Commands(click.Group):
    """Imports a subcommand only to run it or to show its help, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"lm_debugger.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **extra: Any) -> Any:
        make_lossless()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DebuggerError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Debug transformer language models: trace predictions, intervene, generate."""
