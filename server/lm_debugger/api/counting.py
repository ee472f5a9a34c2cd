"""Where the requests of clients are counted: in memory or in Redis, neither of which may hold a
request up or lock a client out. Needs the extra `ops`.
"""

from __future__ import annotations

import time
from typing import Any

from flask_limiter import Limiter
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

SECONDS = 0.5
"""How long Redis may take to take a connection, and to answer; then it counts as gone, and the
limiter counts in memory until it is back (it looks after 1, 2, 4, ... seconds)."""


class SteadyStorage(MemoryStorage):
    """In memory, whatever becomes of the clock: a request that is written down for later than now
    was made before the clock was set back, and would count until the clock is there again."""

    STORAGE_SCHEME = ["steady"]  # noqa: RUF012  # as its base class has it

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count one more in the window, if it has room."""
        with self.locks[key]:
            events = self.events.get(key, [])
            now = time.time()
            if events and events[0].atime > now:  # the newest is the first
                self.events[key] = [event for event in events if event.atime <= now]
            return super().acquire_entry(key, limit, expiry, amount)


class SteadyRedisStorage(RedisStorage):
    """In Redis, by one clock, Redis' own, and whatever becomes of that: `limits` believes the clock
    of each server, and what was written down by one that was since set back would count until that
    clock is there again. Needs Redis 5 or newer, as what the script writes depends on a clock."""

    STORAGE_SCHEME = ["steady-redis", "steady-rediss"]  # noqa: RUF012  # as its base class has it
    SCRIPT_ACQUIRE_MOVING_WINDOW = b"""
        local _, limit, expiry, amount = unpack(ARGV)
        local clock = redis.call('TIME')
        local now = clock[1] + clock[2] / 1e6
        local newest = tonumber(redis.call('lindex', KEYS[1], 0))
        while newest and newest > now do
            redis.call('lpop', KEYS[1])
            newest = tonumber(redis.call('lindex', KEYS[1], 0))
        end
        local oldest = tonumber(redis.call('lindex', KEYS[1], limit - amount))
        if tonumber(amount) > tonumber(limit) or oldest and oldest >= now - expiry then
            return false
        end
        for _ = 1, amount do
            redis.call('lpush', KEYS[1], now)
        end
        redis.call('ltrim', KEYS[1], 0, limit - 1)
        redis.call('expire', KEYS[1], expiry)
        return true
    """

    def __init__(self, uri: str, **options: Any) -> None:
        super().__init__(uri.removeprefix("steady-"), **options)


def limiter(address: str, limits: list[str], **options: Any) -> Limiter:
    """One that counts at `address`, the setting `rate_limit_storage`.

    Raises:
        limits.errors.ConfigurationError, ValueError: the address cannot be used.
    """
    in_redis = address.startswith("redis")
    found = Limiter(
        application_limits=[*limits],
        strategy="moving-window",
        storage_uri=f"steady-{address}" if in_redis else "steady://",
        storage_options=_patience() if in_redis else {},
        in_memory_fallback=[*limits],
        key_prefix="lm-debugger",
        **options,
    )
    # It makes one of its own, for which there is no option.
    found._fallback_limiter = MovingWindowRateLimiter(SteadyStorage())
    return found


def _patience() -> dict[str, Any]:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_connect_timeout": SECONDS,
        "socket_timeout": SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
