"""Behind a reverse proxy: which of its headers are believed, and the path that it puts in front.

A proxy tells who the client is, under what name it asked and with which prefix in `X-Forwarded-*`
headers. Anybody can send these, so they count only when the connection comes from an address that
the settings trust; from all others they are taken away.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from lm_debugger.api.page_address import kept
from lm_debugger.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_FORWARDED = "HTTP_X_FORWARDED_"
_OF_A_PROXY = (_FORWARDED, "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")

DIRECT = "lm_debugger.direct"
"""Where in the WSGI environment the address of the machine stands that asks, if no proxy says that
it asks for another; else None."""


def trusts(settings: Settings) -> Callable[[str], bool]:
    """Is it the address of a proxy whose word counts?"""
    networks = [ipaddress.ip_network(proxy) for proxy in settings.trusted_proxies if proxy != "*"]

    def is_trusted(address: str) -> bool:
        if "*" in settings.trusted_proxies:
            return True
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in networks)

    return is_trusted


class BehindProxy:
    """A WSGI application around another: believes trusted proxies, and answers below `base_url`
    as well as at the top, since some proxies take the prefix away and others leave it."""

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self._prefix = settings.base_url.rstrip("/")
        self._is_trusted = trusts(settings)
        self._app = app
        # The values that the nearest proxy set; those before it are only what it was told.
        self._believing = ProxyFix(self._mounted, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_passed_on = any(name.startswith(_OF_A_PROXY) for name in environ)
        environ[DIRECT] = None if is_passed_on else environ.get("REMOTE_ADDR")
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            return self._believing(environ, start_response)
        for name in [key for key in environ if key.startswith(_FORWARDED)]:
            del environ[name]
        return self._mounted(environ, start_response)

    def _mounted(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Move the prefix from the path, if it is there, to where WSGI has it."""
        prefix = self._prefix
        path = environ.get("PATH_INFO", "")
        if prefix and path == prefix:
            target = f"{prefix}/{kept(environ.get('QUERY_STRING', ''))}"
            start_response("308 Permanent Redirect", [("Location", target)])
            return [b""]
        if prefix and path.startswith(prefix + "/"):
            environ["PATH_INFO"] = path[len(prefix) :]
        if prefix and not environ.get("SCRIPT_NAME"):
            environ["SCRIPT_NAME"] = prefix
        return self._app(environ, start_response)
