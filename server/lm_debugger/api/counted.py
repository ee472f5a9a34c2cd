"""Which requests count as work: for the limits of hosted mode, for shutdown and for metrics."""

from __future__ import annotations

from flask import request

from lm_debugger.api.page_address import file_of
from lm_debugger.api.state import state

UNCOUNTED = {
    f"server.{name}"
    for name in ("health", "ready", "metrics", "version", "openapi_document", "documentation")
}
"""Endpoints for operating the server: they answer at once, whatever else is asked of it."""


def is_counted() -> bool:
    """Does the request at hand count as work? Probes, the page and its files do not; an address
    that no route knows does, for anybody can make up any number of them."""
    if request.endpoint is not None:
        return request.endpoint not in UNCOUNTED
    is_top = request.path == "/" and request.method in ("GET", "HEAD")
    return not (is_top or file_of(state().web, request.path))
