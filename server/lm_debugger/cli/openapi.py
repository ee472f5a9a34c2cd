"""`lm-debugger openapi`: the document behind `/openapi.json` and the page's types."""

from __future__ import annotations

import click


@click.command("openapi")
def command() -> None:
    """Print the OpenAPI 3.1 document of the API."""
    from lm_debugger.api.openapi import document_text

    click.echo(document_text(), nl=False)
