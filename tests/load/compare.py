"""Is a reply the right one? Everything must be equal but what float32 cannot tell: how a sum is
rounded depends on what else was in the batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

RTOL = 1e-4
ATOL = {"kl": 1e-5, "entropy": 1e-5, "unedited_coefficient": 1e-5, "edited_coefficient": 1e-5,
        "coefficient": 1e-5, "amount": 1e-5, "effect": 1e-5, "attention": 1e-5, "ffn": 1e-5,
        "start": 1e-5, "base": 1e-5, "total": 1e-5, "logit": 1e-5, "logits": 1e-5,
        "entropies": 1e-5}  # fmt: skip
"""Beside RTOL, for what is a difference of larger numbers and may be next to nothing."""

_IDENTITY = (("layer", "dim"), ("id",), ("token",))
_SCORE = ("score", "prob", "edited", "logit", "amount")


def differences(expected: Any, got: Any, at: str = "", key: str = "") -> Iterator[str]:
    """What is wrong with `got`, in words; nothing if it is right.

    Args:
        at: where both come from.
        key: the name of the field that both are in, which says how close floats must be.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        if list(expected) != list(got):
            yield f"{at}: {list(got)} instead of {list(expected)}"
            return
        for name, value in expected.items():
            yield from differences(value, got[name], f"{at}.{name}", name)
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            yield f"{at}: {len(got)} entries instead of {len(expected)}"
        elif (scored := _scored(expected)) is not None:
            yield from _ranked(expected, got, *scored, at)
        else:
            for number, pair in enumerate(zip(expected, got, strict=True)):
                yield from differences(*pair, f"{at}[{number}]", key)
    elif isinstance(expected, float) and isinstance(got, float):
        if not _close(expected, got, key):
            yield f"{at}: {got!r} instead of {expected!r}"
    elif expected != got or type(expected) is not type(got):
        yield f"{at}: {got!r} instead of {expected!r}"


def _close(expected: float, got: float, key: str) -> bool:
    return math.isclose(expected, got, rel_tol=RTOL, abs_tol=ATOL.get(key, 1e-9))


def _scored(items: Sequence[Any]) -> tuple[tuple[str, ...], str] | None:
    """What names the entries of a ranking, and what it is ranked by; None for any other list."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for names in _IDENTITY:
        if set(names) <= items[0].keys() and isinstance(items[0][names[-1]], int | str):
            break
    else:
        return None
    # LM-Debugger's routes name tokens by their text, which two of them can share.
    if len({_name(item, names) for item in items}) < len(items):
        return None
    score = next((score for score in _SCORE if isinstance(items[0].get(score), float)), None)
    return None if score is None else (names, score)


def _name(item: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item[part] for part in names)


def _ranked(
    expected: Sequence[Any], got: Sequence[Any], names: tuple[str, ...], score: str, at: str
) -> Iterator[str]:
    """The same entries in the same order, but that those may change places, also with the first one
    that is not listed, whose scores are one and the same to tolerance."""
    by_name = {_name(item, names): item for item in expected}
    if _scored(got) != (names, score):
        yield f"{at}: an entry is listed twice, or lacks {', '.join(names)} or {score}"
        return
    for number, (wanted, item) in enumerate(zip(expected, got, strict=True)):
        here = f"{at}[{number}]"
        if not _close(wanted[score], item[score], score):
            yield f"{here}.{score}: {item[score]!r} instead of {wanted[score]!r}"
        known = by_name.get(_name(item, names))
        if known is not None:
            yield from differences(known, item, here)
        elif not _close(wanted[score], expected[-1][score], score):
            yield f"{here}: {_name(item, names)} instead of {_name(wanted, names)}"
