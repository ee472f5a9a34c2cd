"""The prompts of "Select Example", from the package's `examples.json`."""

from __future__ import annotations

from functools import cache
from importlib import resources

from lm_debugger.api.schemas import ExamplesReply


@cache
def examples() -> ExamplesReply:
    """All examples, LM-Debugger's own four first. A malformed file is an error, never a gap."""
    text = (resources.files("lm_debugger") / "examples.json").read_text(encoding="utf-8")
    return ExamplesReply.model_validate_json(text)
