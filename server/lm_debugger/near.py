"""Which known name was meant by a mistyped one, if any is really near."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST_EDITS = 2
_LETTERS_PER_EDIT = 4


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one known name that `name` is a slip of; None where none is near, or several equally.

    Near is what differs in case and separators only (`maxTopK`), or by one letter in four, two at
    most: put in, left out, replaced or swapped with its neighbour. A shared word makes nothing
    near: `model_path` is no slip of `models`, and to suggest that would be false.
    """
    wanted = _letters(name)
    found: dict[int, list[str]] = {}
    for candidate in known:
        letters = _letters(candidate)
        allowed = min(_MOST_EDITS, min(len(wanted), len(letters)) // _LETTERS_PER_EDIT)
        if abs(len(wanted) - len(letters)) <= allowed:
            edits = _edits(wanted, letters)
            if edits <= allowed:
                found.setdefault(edits, []).append(candidate)
    best = found[min(found)] if found else []
    return best[0] if len(best) == 1 else None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _edits(a: str, b: str) -> int:
    """Optimal string alignment: insertions, deletions, replacements, swaps of neighbours."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        row = [i]
        for j, right in enumerate(b, 1):
            least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before, last = last, row
    return last[-1]
