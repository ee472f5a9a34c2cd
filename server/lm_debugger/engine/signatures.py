"""Arguments of transformers that have other names in other versions of it.

pyproject.toml promises a range of versions, and no one set of names fits all of it. Which names a
function has is read from its signature, as versions with both say nothing of what they warn about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any

_EARLIER = {
    "cache": "past_key_values",  # until 5.23
    "inputs_embeds": "input_embeds",  # until 5.1, of the functions that make masks
}
_ONCE = {"cache_position"}  # until 5.8


@cache
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(signature(function).parameters)


def name_in(function: Callable[..., Any], argument: str) -> str:
    """What a function of transformers, no bound method, calls an argument known by its newest
    name. Outputs have the same name for what they give back of it."""
    names = _parameters(function)
    earlier = _EARLIER.get(argument)
    return earlier if earlier in names and argument not in names else argument


def named_for(function: Callable[..., Any], **values: Any) -> dict[str, Any]:
    """Arguments by their newest names -> the same by the names that a function has for them,
    without those that only earlier versions asked for."""
    names = _parameters(function)
    return {
        name_in(function, argument): value
        for argument, value in values.items()
        if argument in names or argument not in _ONCE
    }
