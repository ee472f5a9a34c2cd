"""`lm-debugger settings`: what is in force, or their table for docs/settings.md."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lm_debugger.settings_sources import load
from lm_debugger.settings_table import markdown_table


@click.command("settings")
@click.option("--config", type=click.Path(path_type=Path), help="Jsonnet file of settings")
@click.option("--markdown", is_flag=True, help="print the table of all settings instead")
def command(config: Path | None, markdown: bool) -> None:
    """Print the settings in force: defaults, then the file, then the environment."""
    if markdown:
        click.echo(markdown_table(), nl=False)
        return
    loaded = load(config)
    for notice in loaded.notices:
        click.echo(notice, err=True)
    click.echo(json.dumps(loaded.settings.model_dump(), indent=2, ensure_ascii=False))
