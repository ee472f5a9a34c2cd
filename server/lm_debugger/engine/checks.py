"""Checks of numbers, ids and positions that several questions make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import SupportsIndex

from lm_debugger.engine.given import listed, shown, whole
from lm_debugger.errors import (
    InvalidInput,
    InvalidPosition,
    OutOfRange,
    TooManyInterventions,
    UnknownToken,
)

_COUNTED = ("positions", "tokens")


def check_range(parameter: str, value: SupportsIndex, maximum: int) -> int:
    """A whole number from 1 to `maximum`, as a plain integer.

    Raises:
        OutOfRange: it is not; the sentence names the range.
    """
    plain = whole(value)
    if plain is None or not 1 <= plain <= maximum:
        what = f"the number of {parameter}" if parameter in _COUNTED else parameter
        raise OutOfRange(
            f"{what} must be a whole number from 1 to {maximum}, not {shown(value)}.",
            parameter=parameter,
            minimum=1,
            maximum=maximum,
        )
    return plain


def check_count(n: int, maximum: int) -> None:
    """May a request have n interventions?

    Raises:
        TooManyInterventions: no.
    """
    if n > maximum:
        raise TooManyInterventions(
            f"{n} interventions; at most {maximum} are allowed in one request.",
            count=n,
            maximum=maximum,
        )


def known_ids(
    ids: SupportsIndex | Iterable[SupportsIndex], vocab_size: int, most: int | None = None
) -> tuple[int, ...]:
    """Ids of tokens that the model has.

    Args:
        most: how many there may be, and then there must be one at least; None: any number.

    Raises:
        UnknownToken: there is no such id; it names the range.
        OutOfRange: there are too many, or none.
        InvalidInput: these are no ids at all.
    """
    one = whole(ids)
    given = (one,) if one is not None else listed(ids)
    if given is None:
        raise InvalidInput(f"tokens must be a list of token ids, not {shown(ids)}.")
    if most is not None:
        check_range("tokens", len(given), most)
    found = []
    for value in given:
        id = whole(value)
        if id is None or not 0 <= id < vocab_size:
            raise UnknownToken(
                f"There is no token {shown(value)}; ids are 0 to {vocab_size - 1}.",
                minimum=0,
                maximum=vocab_size - 1,
            )
        found.append(id)
    return tuple(found)


def check_text(what: str, value: str) -> str:
    """A text.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be text, not {type(value).__name__}.")
    return value


def resolve_positions(
    positions: str | Sequence[int], n_tokens: int, *, what: str = "positions"
) -> tuple[int, ...]:
    """Canonical positions -> ascending indices in [0, T); negative ones count from the end.

    Raises:
        InvalidPosition: outside the prompt.
    """
    if positions == "all":
        return tuple(range(n_tokens))
    if positions == "last":
        return (n_tokens - 1,)
    resolved = set()
    for position in positions:
        assert isinstance(position, int)
        if not -n_tokens <= position < n_tokens:
            raise InvalidPosition(
                f"{what}: the prompt has {n_tokens} token{'s' * (n_tokens != 1)}, so positions are "
                f"0 to {n_tokens - 1} (or -{n_tokens} to -1 from the end), not {position}.",
                position=position,
                n_tokens=n_tokens,
            )
        resolved.add(position % n_tokens)
    return tuple(sorted(resolved))
