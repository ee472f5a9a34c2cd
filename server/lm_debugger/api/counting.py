"""Where the requests of clients are counted: in memory or in Redis, neither of which may hold a
request up or lock a client out. Needs the extra `ops`.
"""

from __future__ import annotations

import time
from typing import Any

from flask_limiter import Limiter
from limits.storage import MemoryStorage
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


def limiter(address: str, limits: list[str], **options: Any) -> Limiter:
    """One that counts at `address`, the setting `rate_limit_storage`.

    Raises:
        limits.errors.ConfigurationError, ValueError: the address cannot be used.
    """
    in_redis = address.startswith("redis")
    found = Limiter(
        application_limits=[*limits],
        strategy="moving-window",
        storage_uri=address if in_redis else "steady://",
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
