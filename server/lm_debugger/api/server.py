"""waitress around the application: bind first, then load, serve, and end cleanly."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from types import TracebackType
from typing import Self

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel

from lm_debugger.api.app import create_app
from lm_debugger.api.descriptors import connections
from lm_debugger.api.explore_link import leads_to
from lm_debugger.api.listener import Listener
from lm_debugger.api.proxy import trusts
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.state import state_of
from lm_debugger.errors import DebuggerError
from lm_debugger.heap import share_arenas
from lm_debugger.settings import Settings

log = logging.getLogger(__name__)

_IDENT = "lm-debugger"
_MB = 1_000_000
_POLL_SECONDS = 0.2
"""How long `stop` may take to be noticed by an idle server."""

GRACE_SECONDS = 5.0
"""How long a request may still take when the server is told to end (SIGTERM)."""

_LAST_SECONDS = 2.0
"""How long work that has been told to end may take to do so, and its reply to be sent."""

_QUIET_SECONDS = 0.3
"""A connection on which nothing happens for so long after the end was announced has nothing more
to say."""


class AddressUnavailable(DebuggerError):
    """The server cannot listen where it was told to."""

    code = "address_unavailable"


class PortTaken(AddressUnavailable):
    """Something listens there already."""


class Server:
    """A server that listens from the moment it is made; `run` or `start` lets it answer. With the
    setting `listen_when_ready` its port is its own from that moment, and it listens once the models
    are loaded.

    Attributes:
        url: where a browser on this machine finds it.
        explore_url: another address that leads there (the setting `explore_port`), or None.

    Raises:
        AddressUnavailable: the port is taken, or host or port cannot be used here.
        SettingsError: the system allows too few open files.
    """

    def __init__(
        self, settings: Settings, registry: ModelRegistry, app: Flask | None = None
    ) -> None:
        share_arenas()
        allowed = connections(settings)
        self.app = app or create_app(settings, registry)
        self._host = settings.host
        at_once = not settings.listen_when_ready
        self._waits_for = None if at_once else registry
        listening = _bound(settings.host, settings.port, listens=at_once)
        self.url = _url(listening)
        self._map: dict[int, object] = {}
        self._wsgi = Listener(
            self.app,
            self._map,
            listening,
            trusts(settings),
            max_unread=settings.max_unread_mb * _MB,
            at_once=at_once,
            threads=settings.threads,
            connection_limit=allowed,
            channel_timeout=120,
            # Read on while a request is worked on: a client that goes away is noticed at once.
            channel_request_lookahead=1,
            # Flask tells more about a body that is too large; what is far larger is not read.
            max_request_body_size=4 * settings.max_body_bytes,
            inbuf_overflow=4 * settings.max_body_bytes,  # in memory, not in a temporary file
            ident=_IDENT,
        )
        self._leading: Listener | None = None
        self.explore_url = self._lead_here(settings, listening.getsockname()[1])
        self._thread: threading.Thread | None = None
        self._running = False
        self._stopped = threading.Event()
        self._grace = 0.0

    def _lead_here(self, settings: Settings, port: int) -> str | None:
        """Let `explore_port` lead to `port`. That it is taken is no reason not to serve."""
        if settings.explore_port in (None, port):
            return None
        try:
            listening = _bound(settings.host, settings.explore_port)
        except AddressUnavailable as error:
            log.warning("The links of LM-Debugger's page to Explore do not lead here: %s", error)
            return None
        self._leading = Listener(
            leads_to(port, settings),
            self._map,
            listening,
            max_unread=_MB,
            threads=1,
            ident=_IDENT,
        )
        return _url(listening)

    def run(self) -> None:
        """Serve until `stop`, KeyboardInterrupt or SystemExit; returns when all has ended.

        Raises:
            AddressUnavailable: it was to listen later (`listen_when_ready`), and now another does.
        """
        try:
            self._running = True
            while not self._stopped.is_set():
                if self._waits_for is not None and self._waits_for.is_complete:
                    self._open()
                wasyncore.loop(timeout=_POLL_SECONDS, map=self._map, use_poll=True, count=1)
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            self._close()

    def _open(self) -> None:
        self._waits_for = None
        try:
            self._wsgi.open()
        except OSError as error:
            raise _unavailable(error, self._host, self._wsgi.effective_port) from error

    def start(self) -> None:
        """Serve in a background thread, and return at once."""
        self._thread = threading.Thread(target=self.run, name="serve", daemon=True)
        self._thread.start()

    def end(self, grace: float = GRACE_SECONDS) -> None:
        """Let `run` return soon, and return at once; may be called by a signal handler.

        New connections are refused from then on. Requests may take `grace` seconds more, also the
        first ones of those who are connected already; what takes longer, and new ones on old
        connections, are answered with 503, streams end with an error event.
        """
        self._grace = grace
        self._stopped.set()

    def stop(self) -> None:
        """End what `start` or `run` (in another thread) began, without grace."""
        self.end(grace=0)
        if self._thread is not None:
            self._thread.join()
        elif not self._running:
            self._close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _close(self) -> None:
        self._drain()
        for channel in list(self._wsgi.active_channels.values()):
            channel.handle_close()
        # A worker that ends wakes the loop once more: what it wakes it by is closed after it.
        for server in filter(None, (self._wsgi, self._leading)):
            server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map, ignore_all=True)

    def _drain(self) -> None:
        """Take what has knocked already, refuse what comes later, and let what is here end.

        waitress itself can only drop what it is answering, so this, and `_is_busy`, use more of it
        than it documents: `handle_accept`, `active_channels`, and of a channel `requests` (those
        that were read whole), `request` (the one being read) and `total_outbufs_len` (bytes still
        to be sent). `tests/cli/test_shutdown.py` holds what comes of it.
        """
        for _ in range(self._wsgi.adj.connection_limit):
            before = len(self._wsgi.active_channels)
            self._wsgi.handle_accept()
            if len(self._wsgi.active_channels) == before:
                break
        wasyncore.dispatcher.close(self._wsgi)  # its own `close` also takes the loop's waker
        state_of(self.app).closing.begin(self._grace)
        until = time.monotonic() + self._grace + _LAST_SECONDS
        last_busy = time.monotonic()
        while self._wsgi.active_channels and time.monotonic() < until:
            wasyncore.loop(timeout=0.05, map=self._map, use_poll=True, count=1)
            for channel in self._wsgi.active_channels.values():
                for request in list(channel.requests):
                    request.headers["CONNECTION"] = "close"  # as if the client had wished it
            if any(_is_busy(channel) for channel in self._wsgi.active_channels.values()):
                last_busy = time.monotonic()
            elif time.monotonic() > last_busy + _QUIET_SECONDS:
                break


def _is_busy(channel: HTTPChannel) -> bool:
    """Is it being answered, or being heard?"""
    return bool(channel.requests or channel.request or channel.total_outbufs_len)


def _bound(host: str, port: int, *, listens: bool = True) -> socket.socket:
    """A socket bound to the first address of `host`, IPv4 before IPv6."""
    try:
        addresses = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise AddressUnavailable(
            f"The host {host!r} is unknown ({error.strerror}); use an address of this machine, "
            "such as 127.0.0.1, or 0.0.0.0 for all of them.",
            host=host,
        ) from error
    family, type_, protocol, _, address = min(addresses, key=lambda item: item[0])
    listening = socket.socket(family, type_, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        if listens:
            listening.listen()
    except OSError as error:
        listening.close()
        raise _unavailable(error, host, port) from error
    return listening


def _unavailable(error: OSError, host: str, port: int) -> AddressUnavailable:
    kind = PortTaken if error.errno == errno.EADDRINUSE else AddressUnavailable
    return kind(_why_not(error, host, port), host=host, port=port)


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken: something listens there already. Choose another "
            "port (--port), or 0 for any free one."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used without privileges; choose one above 1023."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
