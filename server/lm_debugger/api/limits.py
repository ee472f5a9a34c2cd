"""What one request, one client and all requests together may take: time, turns, threads.

What a request may ask for (tokens, positions, interventions, top_k) is the engine's to refuse; the
size of its body and prompt is `parse`'s.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, Response, request
from werkzeug.exceptions import TooManyRequests as OverLimit

from lm_debugger.engine.stopping import Check, stoppable
from lm_debugger.errors import (
    Busy,
    ClientGone,
    SettingsError,
    ShuttingDown,
    TimeLimit,
    TooManyRequests,
)
from lm_debugger.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask_limiter import Limiter

Item = TypeVar("Item")

RESERVED_THREADS = 4
"""Threads that work on no model, so that probes and the page are answered however many wait."""

CHECK = "lm_debugger.check"
"""Where in the WSGI environment a request's check is."""


FIRST = "lm_debugger.first"
"""In the environment of a request, set by the connection: is it the first one there?"""


class Closing:
    """Has the server been told to end, and how long may its requests still take?"""

    def __init__(self) -> None:
        self._until: float | None = None

    def begin(self, grace: float) -> None:
        """Nothing is begun on old connections any more; after `grace` seconds nothing goes on."""
        self._until = time.monotonic() + grace

    @property
    def has_begun(self) -> bool:
        return self._until is not None

    @property
    def is_over(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    def refusal(self) -> ShuttingDown:
        return ShuttingDown("The server is shutting down; try again in a moment.", retry_after=2)


class InFlight:
    """Counts the requests that work or wait, and refuses what would leave no thread for probes, or
    would let one client take the places of all others.

    Args:
        threads: all threads of the server.
        each: how many one client may have; None: any number.
    """

    def __init__(self, threads: int, each: int | None = None) -> None:
        self._threads = threads
        self._allowed = max(1, threads - RESERVED_THREADS)
        self._each = each
        self._of_client: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.count = 0

    def enter(self, client: str) -> None:
        """One more of a client.

        Raises:
            TooManyRequests: as many as a client may have are in flight.
            Busy: as many as `threads` allows are in flight.
        """
        with self._lock:
            if self._each is not None and self._of_client[client] >= self._each:
                raise TooManyRequests(
                    f"{self._each} requests from your address are worked on or wait already (the "
                    "setting max_requests_at_once); try again in a moment.",
                    limit="max_requests_at_once",
                    maximum=self._each,
                )
            if self.count >= self._allowed:
                raise Busy(
                    f"The server works on {self.count} requests already, as many as the setting "
                    f"threads = {self._threads} allows; try again in a moment.",
                    limit="threads",
                    waiting=self.count,
                )
            self.count += 1
            self._of_client[client] += 1

    def leave(self, client: str) -> None:
        with self._lock:
            self.count -= 1
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]


class Stopping:
    """WSGI around the application: the work of a request ends when its time is up, when whoever
    asked has hung up, or when the server is to end.

    The server tells of clients that hung up if it reads on while it works (waitress'
    `channel_request_lookahead`); what it does not tell is not known.
    """

    def __init__(self, app: WSGIApplication, max_seconds: float, closing: Closing) -> None:
        self._app = app
        self._max_seconds = max_seconds
        self._closing = closing

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        check = self._check(environ.get("waitress.client_disconnected"))
        environ[CHECK] = check
        with stoppable(check):
            return self._app(environ, start)

    def _check(self, is_gone: Callable[[], bool] | None) -> Check:
        limit = self._max_seconds
        until = time.monotonic() + limit

        def check() -> None:
            if is_gone is not None and is_gone():
                raise ClientGone("The client has hung up.")
            if self._closing.is_over:
                raise self._closing.refusal()
            if time.monotonic() >= until:
                raise TimeLimit(
                    f"This took longer than a request may: {limit:g} seconds (the setting "
                    "max_seconds). Ask for fewer tokens or positions, or again when fewer wait.",
                    limit="max_seconds",
                    maximum=limit,
                )

        return check


def while_wanted(items: Iterator[Item]) -> Iterator[Item]:
    """The items of work that goes on after the view has returned, as long as the request's check
    allows; raises what it raises. To be iterated within the request's context."""
    check: Check | None = request.environ.get(CHECK)
    while True:
        with stoppable(check):
            if check is not None:
                check()
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def require_extra(setting: str, error: ImportError) -> SettingsError:
    """What to say where a setting asks for what is not installed."""
    return SettingsError(
        f"The setting {setting} needs {error.name}, which is not installed: "
        'pip install "lm-debugger[ops]".',
        name=setting,
    )


def refuse_unsafe(settings: Settings) -> None:
    """Refuse to be open to strangers without knowing the own name.

    Raises:
        SettingsError: hosted, on an address that others reach, and no `allowed_hosts`.
    """
    if settings.hosted and not settings.allowed_hosts and not is_loopback(settings.host):
        raise SettingsError(
            f"A hosted server on {settings.host} has to know the names under which it is reached: "
            "give each with --allowed-host, as in --allowed-host demo.example.org.",
            name="allowed_hosts",
        )


def is_loopback(host: str) -> bool:
    """Is it a name or address of this machine that others cannot reach?"""
    name = host.lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_private(address: str) -> bool:
    """Is it an address that is reached from its own network only (loopback and RFC 1918, RFC 4193
    and the like)?"""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if found.version == 6 else None
    return (mapped or found).is_private


def register(
    app: Flask,
    settings: Settings,
    answer: Callable[[TooManyRequests], Response],
    is_counted: Callable[[], bool],
) -> Limiter | None:
    """In hosted mode, count the requests of every client and refuse those over the limit.

    Args:
        answer: makes the reply to a refused one.
        is_counted: does the request at hand count?

    Raises:
        SettingsError: the extra `ops` is missing, or the storage cannot be used.
    """
    if not settings.hosted:
        return None
    limiter = _limiter(app, settings)

    @limiter.request_filter
    def is_free() -> bool:
        return not is_counted()

    @app.errorhandler(OverLimit)
    def refuse(_: OverLimit) -> Response:
        limit = settings.max_requests_per_minute
        return answer(
            TooManyRequests(
                f"More than {limit} requests in a minute came from your address (the setting "
                "max_requests_per_minute); try again in a moment.",
                retry_after=min(60, max(1, math.ceil(_seconds_left(limiter)))),
                limit="max_requests_per_minute",
                maximum=limit,
            )
        )

    return limiter


def _seconds_left(limiter: Limiter) -> float:
    """Until whoever is refused may ask again; 60 where the storage has just gone away."""
    try:
        current = limiter.current_limit
        return 60.0 if current is None else current.reset_at - time.time()
    except limiter.storage.base_exceptions:
        return 60.0


def _limiter(app: Flask, settings: Settings) -> Limiter:
    try:
        import flask_limiter  # noqa: F401  # and with it all that `counting` needs
        from limits.errors import ConfigurationError
    except ImportError as error:
        raise require_extra("hosted", error) from error
    from lm_debugger.api import counting

    try:
        limiter = counting.limiter(
            settings.rate_limit_storage,
            [f"{settings.max_requests_per_minute} per minute"],
            key_func=client_network,
            app=app,
            # What has no endpoint is counted with all else; by itself the limiter would let it go.
            request_identifier=lambda: request.endpoint or "none",
        )
        reachable = limiter.storage.check()
    except (ConfigurationError, ValueError) as error:
        raise SettingsError(
            f"The setting rate_limit_storage cannot be used: {error}", name="rate_limit_storage"
        ) from error
    if not reachable:
        raise SettingsError(
            "The setting rate_limit_storage names a server that does not answer.",
            name="rate_limit_storage",
        )
    return limiter


def client_network() -> str:
    """Whom a request is counted for: its address, of IPv6 the network that one customer gets."""
    text = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return text
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))
