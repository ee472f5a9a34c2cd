"""`lm-debugger generate`: a continuation, written as it is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from lm_debugger.cli.model import job, load_debugger, model_options
from lm_debugger.engine.types import Sampling

if TYPE_CHECKING:
    from lm_debugger.engine.generation import GenerationStream


@click.command("generate")
@model_options
@click.option("--max-new-tokens", "-n", default=20, show_default=True, help="at most so many")
@click.option("--temperature", default=0.0, show_default=True, help="0 takes the likeliest token")
@click.option("--top-p", default=1.0, show_default=True, help="nucleus sampling")
@click.option("--seed", default=0, show_default=True, help="of the sampling")
def command(
    model: str | None,
    prompt: str | None,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Continue PROMPT. Interventions hold while generating.

    Example: lm-debugger generate demo "In the month of" -n 5 --boost L7D44

    Or what the page saved: lm-debugger generate --run FILE
    """
    it = job(model, prompt, options)
    sampling = Sampling(temperature=temperature, top_p=top_p, seed=seed)
    if it.run is not None:
        max_new_tokens, sampling = it.run.max_new_tokens, it.run.sampling.checked()
    debugger = load_debugger(it.model, options, it.run)
    stream = debugger.stream(it.prompt, it.interventions, max_new_tokens, sampling)
    if as_json:
        from lm_debugger.api.wire import dumped

        for _ in stream:
            pass
        click.echo(dumped(stream.result, indent=2).decode())
        return
    for text in pieces(stream):
        click.echo(text, nl=False)
    click.echo()


def pieces(stream: GenerationStream) -> Iterator[str]:
    """Prompt and continuation in pieces that end on whole characters."""
    written = 0
    for _ in stream:
        text = stream.result.text.rstrip("�")  # half a character: the next token completes it
        yield text[written:]
        written = max(written, len(text))
    yield stream.result.text[written:]
