"""The prompts of "Select Example", from the package's `examples.json`."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import resources

from lm_debugger.api.schemas import ExamplesReply


def examples(models: Collection[str]) -> ExamplesReply:
    """Those made for any model, LM-Debugger's own four first, and those for one of `models`: the
    tour of the bundled model means nothing where another is served."""
    return ExamplesReply(
        examples=[e for e in _all().examples if e.model is None or e.model in models]
    )


@cache
def _all() -> ExamplesReply:
    """A malformed file is an error, never a gap."""
    text = (resources.files("lm_debugger") / "examples.json").read_text(encoding="utf-8")
    return ExamplesReply.model_validate_json(text)
