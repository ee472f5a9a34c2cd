"""A small least-recently-used cache; not thread-safe by itself: its users hold the gate."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Entries up to a total weight; reading one makes it the youngest.

    Args:
        limit: the oldest go while all together weigh more; the youngest always stays.
        most: and while there are more than so many.
        weight: of an entry, which may change while it is in here.
    """

    def __init__(self, limit: int, weight: Callable[[V], int], most: int) -> None:
        self._limit = limit
        self._weight = weight
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The entry, which becomes the youngest, or None."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def put(self, key: K, value: V) -> None:
        """Add or replace an entry."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        self.trim()

    def trim(self) -> None:
        """Drop the oldest entries beyond the limits."""
        total = sum(map(self._weight, self._entries.values()))
        while len(self._entries) > 1 and (total > self._limit or len(self._entries) > self._most):
            _, oldest = self._entries.popitem(last=False)
            total -= self._weight(oldest)

    def items(self) -> Iterator[tuple[K, V]]:
        """All entries, the youngest first; none becomes younger."""
        return iter(list(reversed(self._entries.items())))
