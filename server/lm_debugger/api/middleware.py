"""What holds for every request: an id, security headers, who may address the server, a turn, and
a line in the log."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import Forbidden, MethodNotAllowed, RequestURITooLarge

from lm_debugger.api import request_log
from lm_debugger.api.counted import UNCOUNTED, is_counted
from lm_debugger.api.limits import FIRST, client_network, is_loopback
from lm_debugger.api.page_address import MAX_URI
from lm_debugger.api.request_log import Record, record
from lm_debugger.api.security import SECURITY_HEADERS, content_security_policy
from lm_debugger.api.state import state
from lm_debugger.settings import Settings

PAGE = "page"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
OTHER = "other"
"""What the log and the metrics call all other methods: anybody can make up another one."""
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_dress)
    app.teardown_request(_end)


def request_id() -> str:
    """The id the client sent in `X-Request-Id`, if it is harmless to log, or a new one."""
    return record().id


def _begin() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.record = Record(
        id=sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex,
        method=request.method if request.method in METHODS else OTHER,
        route=_route(),
    )
    _refuse_foreign_host()
    if len(request.environ.get("REQUEST_URI", "")) > MAX_URI:
        raise RequestURITooLarge(f"The address is too long; at most {MAX_URI} bytes are read.")
    if is_counted():
        # Who had connected in time is answered: a proxy can send it nowhere else any more.
        if state().closing.has_begun and not request.environ.get(FIRST):
            raise state().closing.refusal()
        client = client_network()
        state().in_flight.enter(client)
        g.turn_of = client


def refuse_unknown_method() -> None:
    """After the request was counted: anybody can make up any number of methods.

    Raises:
        MethodNotAllowed: no method of HTTP.
    """
    if record().method == OTHER:
        raise MethodNotAllowed(METHODS)


def _dress(response: Response) -> Response:
    mine = record()
    mine.status = response.status_code
    headers = response.headers
    headers["X-Request-Id"] = mine.id
    timings = {"queue": mine.queue, "compute": mine.compute, "total": mine.total}
    headers["Server-Timing"] = ", ".join(
        f"{name};dur={seconds * 1000:.1f}" for name, seconds in timings.items()
    )
    headers.setdefault("Cache-Control", "no-cache")
    headers.setdefault("Content-Security-Policy", content_security_policy())
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if response.is_streamed and request.endpoint is not None and is_counted():
        g.ends_later = True
        end = _End()
        response.response = end.after(response.response)
        response.call_on_close(end)  # also where the client is gone before the first item
    return response


class _End:
    """What is done once, when the reply has been made, of a stream all of it."""

    def __init__(self) -> None:
        self._state = state()
        self._record = record()
        self._client: str | None = g.get("turn_of")
        self._is_quiet = request.endpoint in UNCOUNTED or self._record.route == PAGE
        self._is_over = False

    def __call__(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._client is not None:
            self._state.in_flight.leave(self._client)
        if self._state.metrics is not None:
            self._state.metrics.observe(self._record)
        request_log.write(self._record, quiet=self._is_quiet)

    def after(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items, and then the end."""
        try:
            yield from items
        finally:
            self()


def _end(_: BaseException | None) -> None:
    """Flask is done with the request; a stream only begins now, and ends by itself."""
    if "record" in g and not g.get("ends_later", False):
        _End()()


def _route() -> str:
    """The rule that matched; no address, which anybody can make up."""
    if request.url_rule is not None:
        return request.url_rule.rule
    is_page = request.method in ("GET", "HEAD") and not request.path.startswith("/api")
    return PAGE if is_page else "none"


def _refuse_foreign_host() -> None:
    """Refuse requests that name another host than this server's: protection from DNS rebinding.

    Whoever owns a site can let its name point at 127.0.0.1. To a browser, that site's page and this
    server are then one origin, so that the page may read every answer. But the browser still sends
    the site's name in the `Host` header, and no script can change that.

    The routes for operating a server (`UNCOUNTED`: health, readiness, metrics and the like) are
    answered under any name, unless the server listens on a loopback address: load balancers and
    Prometheus ask each machine by its IP address, which nobody lists in `allowed_hosts`.

    Raises:
        Forbidden: this server listens on a loopback address, or was given `allowed_hosts`, and the
            header names something else.
    """
    settings = state().settings
    if request.endpoint in UNCOUNTED and not is_loopback(settings.host):
        return
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        name = ""
    if not is_own_name(name, settings):
        raise Forbidden(
            f"This server does not answer under the name {name[:100]!r}. If it should, start it "
            "with --allowed-host."
        )


def is_own_name(name: str, settings: Settings) -> bool:
    """Is it a name, in lower case and without a port, under which the server is addressed?"""
    local = is_loopback(settings.host)
    if not local and not settings.allowed_hosts:
        return True
    allowed = {settings.host.lower(), *(host.lower() for host in settings.allowed_hosts)}
    return name in allowed or (local and is_loopback(name))
