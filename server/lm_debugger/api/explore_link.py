"""A second port that leads to the page: where LM-Debugger's own page links to.

Its exploration was a server of its own, and its page links there for every vector, by the address
of that server: `http://HOST:8501/?L=3&D=7&visualize=true`. Whoever asks there is sent to the page,
which reads such queries, at its one address, where names of vectors and all else are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lm_debugger.api.middleware import is_own_name
from lm_debugger.api.page_address import kept
from lm_debugger.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


_MAX_NAME = 253
"""Characters of a name of a machine (RFC 1035)."""


def leads_to(port: int, settings: Settings) -> WSGIApplication:
    """A WSGI application that sends everybody to the page at `port`, under the name by which they
    asked, with what the page reads of their query; 403 for a name that the page would not answer
    to."""

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            name = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
        except ValueError:
            name = ""
        if not 0 < len(name) <= _MAX_NAME or not is_own_name(name, settings):
            start("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"This server does not answer under this name."]
        # The page reads a query only where no place in it is named.
        place = kept(environ.get("QUERY_STRING", "")) or "#/explore"
        host = f"[{name}]" if ":" in name else name
        target = f"http://{host}:{port}{settings.base_url}{place}"
        start("302 Found", [("Location", target), ("Cache-Control", "no-store")])
        return [b""]

    return application
