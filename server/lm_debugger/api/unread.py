"""How much of the replies may wait to be read, and who is cut off where it gets more."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lm_debugger.api.request_log import access

if TYPE_CHECKING:
    from lm_debugger.api.channel import Channel

OF_ONE = 0.25
"""Part of all bytes that may wait, for one address; for a trusted proxy, which is many, all."""

STALL_SECONDS = 20.0
"""A client that reads nothing for so long is cut off."""

SLOWEST = 16_000
"""Bytes per second that a client has to read, after `STALL_SECONDS`."""

_SETTLED = 1.0
"""Seconds after which it can be told who reads slowly."""


class Unread:
    """Watches what waits to be read on the connections of a server.

    Where it is too much, the slowest readers are cut off, one after the other, until it is not; the
    last one is left, so that any reply can be had by who reads it.

    Args:
        channels: asks for the connections there are.
        is_many: is it the address of a proxy, which asks for others?
        total: bytes that may wait.
    """

    def __init__(
        self,
        channels: Callable[[], Iterable[Channel]],
        is_many: Callable[[str], bool],
        total: int,
    ) -> None:
        self._channels = channels
        self._is_many = is_many
        self._total = total
        self._each = int(total * OF_ONE)
        self._lock = threading.Lock()

    def make_room(self) -> None:
        """Cut off whoever has to be for what waits to be read; any thread."""
        with self._lock:
            waiting = self._waiting()
            if sum(channel.total_outbufs_len for channel in waiting) > self._each:
                for address in {channel.addr[0] for channel in waiting}:
                    if not self._is_many(address):
                        self._cut([one for one in waiting if one.addr[0] == address], self._each)
                self._cut(self._waiting(), self._total)

    def cut_the_slow(self) -> None:
        """Cut off who does not read, or hardly."""
        now = time.monotonic()
        with self._lock:
            for channel in self._waiting():
                is_slow = now > channel.since + STALL_SECONDS and _speed(channel, now) < SLOWEST
                if is_slow or now > channel.progress + STALL_SECONDS:
                    _cut_off(channel, now)

    def _waiting(self) -> list[Channel]:
        return [one for one in self._channels() if one.total_outbufs_len and not one.will_close]

    def _cut(self, waiting: list[Channel], limit: int) -> None:
        now = time.monotonic()
        left = sum(channel.total_outbufs_len for channel in waiting)
        for channel in sorted(waiting, key=lambda one: _rank(one, now))[:-1]:
            if left <= limit:
                return
            left -= channel.total_outbufs_len
            _cut_off(channel, now)


def _speed(channel: Channel, now: float) -> float:
    """Bytes per second that its client has read."""
    return channel.taken / max(now - channel.since, 1e-3)


def _rank(channel: Channel, now: float) -> tuple[bool, float, float]:
    """Who comes first is cut off first: the slowest of those that have had their time, then who
    has waited longest."""
    has_had_time = now >= channel.since + _SETTLED
    return (not has_had_time, _speed(channel, now) if has_had_time else 0.0, channel.since)


def _cut_off(channel: Channel, now: float) -> None:
    fields = {
        "id": channel.request_id or "-",
        "outcome": "reply_not_read",
        "unread_bytes": channel.total_outbufs_len,
        "total_ms": round((now - channel.since) * 1000, 1),
    }
    line = " ".join(f"{name}={value}" for name, value in fields.items())
    access.log(logging.WARNING, "%s", line, extra={"request": fields})
    channel.cut()
