"""Are two answers the same? Everything must be equal but what float32 cannot tell: how a sum is
rounded depends on what else was in the batch, and on the processor. So floats are held to a
tolerance, and entries of a ranking may change places where they are tied to tolerance.

Answers are JSON, as the API replies, or the engine's own dataclasses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

RTOL = 1e-4
"""Of answers of any model; of one that is known see `tests.engine.compare.rtol_between`."""

ATOL = {"kl": 1e-5, "entropy": 1e-5, "unedited_coefficient": 1e-5, "edited_coefficient": 1e-5,
        "coefficient": 1e-5, "amount": 1e-5, "effect": 1e-5, "attention": 1e-5, "ffn": 1e-5,
        "start": 1e-5, "base": 1e-5, "total": 1e-5, "logit": 1e-5, "logits": 1e-5,
        "entropies": 1e-5}  # fmt: skip
"""Beside the relative tolerance, for what is a difference of larger numbers and may be next to
nothing."""

_IDENTITY = (("layer", "dim"), ("id",), ("token",))
_SCORE = ("score", "prob", "logit", "amount")
_RUNS = ("unedited", "edited")


def assert_same(got: Any, expected: Any, rtol: float = RTOL) -> None:
    """Two answers say the same."""
    found = list(differences(plain(expected), plain(got), rtol))
    assert not found, "\n".join(found[:10])


def is_same(got: Any, expected: Any, rtol: float = RTOL) -> bool:
    """Whether two answers say the same."""
    return not list(differences(plain(expected), plain(got), rtol))


def plain(value: Any) -> Any:
    """A dataclass and all within it as JSON has them; what is JSON stays what it is."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if not is_dataclass(value):
        return value
    return {field.name: plain(getattr(value, field.name)) for field in fields(value)}


def differences(
    expected: Any, got: Any, rtol: float = RTOL, at: str = "", key: str = ""
) -> Iterator[str]:
    """What is wrong with `got`, in words; nothing if it is right.

    Args:
        rtol: how close floats must be.
        at: where both come from.
        key: the name of the field that both are in, whose floats may need an absolute tolerance.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        if list(expected) != list(got):
            yield f"{at}: {list(got)} instead of {list(expected)}"
            return
        for name, value in expected.items():
            yield from differences(value, got[name], rtol, f"{at}.{name}", name)
    elif isinstance(expected, list) and isinstance(got, list):
        if _are_changes(expected) and _are_changes(got):
            yield from _changes(expected, got, rtol, at)
        elif len(expected) != len(got):
            yield f"{at}: {len(got)} entries instead of {len(expected)}"
        elif (scored := _scored(expected)) is not None:
            yield from _ranked(expected, got, *scored, rtol, at)
        else:
            for number, pair in enumerate(zip(expected, got, strict=True)):
                yield from differences(*pair, rtol, f"{at}[{number}]", key)
    elif isinstance(expected, float) and isinstance(got, float):
        if not _close(expected, got, rtol, key):
            yield f"{at}: {got!r} instead of {expected!r}"
    elif expected != got or type(expected) is not type(got):
        yield f"{at}: {got!r} instead of {expected!r}"


def _close(expected: float, got: float, rtol: float, key: str) -> bool:
    return math.isclose(expected, got, rel_tol=rtol, abs_tol=ATOL.get(key, 1e-9))


# --- rankings ------------------------------------------------------------------------------------


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
    expected: Sequence[Any],
    got: Sequence[Any],
    names: tuple[str, ...],
    score: str,
    rtol: float,
    at: str,
) -> Iterator[str]:
    """The same entries in the same order, but that those may change places, also with the first one
    that is not listed, whose scores are one and the same to tolerance."""
    by_name = {_name(item, names): item for item in expected}
    if _scored(got) != (names, score):
        yield f"{at}: an entry is listed twice, or lacks {', '.join(names)} or {score}"
        return
    for number, (wanted, item) in enumerate(zip(expected, got, strict=True)):
        here = f"{at}[{number}]"
        if not _close(wanted[score], item[score], rtol, score):
            yield f"{here}.{score}: {item[score]!r} instead of {wanted[score]!r}"
        known = by_name.get(_name(item, names))
        if known is not None:
            yield from differences(known, item, rtol, here)
        elif not _close(wanted[score], expected[-1][score], rtol, score):
            yield f"{here}: {_name(item, names)} instead of {_name(wanted, names)}"


# --- tokens of two runs --------------------------------------------------------------------------


def _are_changes(items: Sequence[Any]) -> bool:
    """Whether a list has tokens with their probabilities in both runs."""
    return bool(items) and all(
        isinstance(item, dict)
        and "id" in item
        and all(isinstance(item.get(run), float) for run in _RUNS)
        for item in items
    )


def _changes(expected: Sequence[Any], got: Sequence[Any], rtol: float, at: str) -> Iterator[str]:
    """The likeliest tokens of either run, by edited probability. A ranking, but for its length: a
    token may be in one list only where in one of the runs it is tied with one of the other list."""
    known, found = ({item["id"]: item for item in items} for items in (expected, got))
    if len(found) < len(got):
        yield f"{at}: a token is listed twice"
    order = [item["edited"] for item in got]
    if order != sorted(order, reverse=True):
        yield f"{at}: not the likeliest first"
    for id in known.keys() | found.keys():
        if id in known and id in found:
            yield from differences(known[id], found[id], rtol, f"{at}.{id}")
        elif id in found and not _is_tied(found[id], expected, rtol):
            yield f"{at}: {id} is not expected"
        elif id in known and not _is_tied(known[id], got, rtol):
            yield f"{at}: {id} is missing"


def _is_tied(item: Mapping[str, Any], others: Sequence[Any], rtol: float) -> bool:
    return any(_close(item[run], other[run], rtol, "prob") for other in others for run in _RUNS)
