"""What the version of transformers at hand calls things that other versions call otherwise.

pyproject.toml promises a range of versions, and no one name fits all of it. It is read from a
signature: a version that knows both names warns of the earlier one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any


@cache
def name_of_cache(function: Callable[..., Any]) -> str:
    """The argument for the keys and values of the text so far, which outputs give back by the same
    name: `cache` from transformers 5.24 on, `past_key_values` before. `function` is kept, so it
    must be no method bound to a model."""
    return "cache" if "cache" in signature(function).parameters else "past_key_values"
