"""What holds for every request: an id, timing, security headers, and who may address the server."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
import uuid
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import Forbidden

from lm_debugger.api.state import state

log = logging.getLogger(__name__)

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; worker-src 'self' blob:; connect-src 'self'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def register(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        _refuse_foreign_host()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id()
        timings = {**g.get("timings", {}), "total": time.perf_counter() - g.started}
        response.headers["Server-Timing"] = ", ".join(
            f"{name};dur={seconds * 1000:.1f}" for name, seconds in timings.items()
        )
        response.headers.setdefault("Cache-Control", "no-cache")
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        log.debug(
            "%s %s %s %d %.0f ms",
            request_id(),
            request.method,
            request.path,
            response.status_code,
            timings["total"] * 1000,
        )
        return response


def request_id() -> str:
    """The id the client sent in `X-Request-Id`, if it is harmless to log, or a new one."""
    if "request_id" not in g:
        sent = request.headers.get("X-Request-Id", "")
        g.request_id = sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex
    return str(g.request_id)


def is_loopback(host: str) -> bool:
    """Is it a name or address of this machine that others cannot reach?"""
    name = host.lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _refuse_foreign_host() -> None:
    """Against DNS rebinding: a page of another site can point its own name at 127.0.0.1 and would
    then count as the same origin, but it cannot choose the `Host` header.

    Raises:
        Forbidden: this server listens on a loopback address, or was given `allowed_hosts`, and the
            header names something else.
    """
    settings = state().settings
    local = is_loopback(settings.host)
    if not local and not settings.allowed_hosts:
        return
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        name = ""
    allowed = {settings.host.lower(), *(host.lower() for host in settings.allowed_hosts)}
    if name not in allowed and not (local and is_loopback(name)):
        raise Forbidden(
            f"This server does not answer under the name {name[:100]!r}. If it should, start it "
            "with --allowed-host."
        )
