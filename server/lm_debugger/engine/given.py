"""What callers give, whatever library it comes from, as the plain values that the engine uses.

Anything with `__index__` is an integer (numpy's, torch's), anything with `__float__` a number,
except truth values and text. Nothing here raises: None says that a value is not what it should be,
and whoever asked knows the sentence for it.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, SupportsIndex


def whole(value: Any) -> int | None:
    """An integer; None for anything else."""
    if _is_truth_value(value) or not isinstance(value, SupportsIndex):
        return None
    try:
        return operator.index(value)
    except Exception:  # an array of several numbers, a tensor of floats: their own errors
        return None


def number(value: Any) -> float | None:
    """A number, finite or not; None for anything else, and for integers beyond float64."""
    if _is_truth_value(value) or isinstance(value, str | bytes):
        return None
    try:
        return float(value)  # by __float__, else by __index__
    except Exception:  # as above; too large
        return None


def wholes(values: Any) -> tuple[int, ...] | None:
    """One integer, or those of an iterable; None where one is none."""
    one = whole(values)
    if one is not None:
        return (one,)
    items = listed(values)
    if items is None:
        return None
    found = tuple(whole(item) for item in items)
    return None if None in found else found  # type: ignore[return-value]


def listed(values: Any) -> tuple[Any, ...] | None:
    """The items of an iterable that is no text; None for anything else."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        return None
    try:
        return tuple(values)
    except Exception:  # an array of no dimension: iterable by its class alone
        return None


def shown(value: Any) -> str:
    """A value as a sentence can hold it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_truth_value(value: Any) -> bool:
    """Python's, numpy's and torch's."""
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")
