"""The built page (`lm_debugger/web`), served by the same port as the API.

The page routes by itself, behind `#`: any address that no route knows, outside `/api` and
LM-Debugger's own routes, leads to `index.html`. What Vite puts into `assets/` has its content's
hash in its name and may be kept for ever; everything else is asked for anew each time, by its ETag.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Blueprint, Response, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from lm_debugger.api.legacy import is_legacy
from lm_debugger.api.page_address import file_of, is_possible, kept
from lm_debugger.api.replies import html_reply
from lm_debugger.api.state import state

blueprint = Blueprint("page", __name__)

WEB = Path(__file__).resolve().parent.parent / "web"
INDEX = "index.html"
_FOREVER = "public, max-age=31536000, immutable"


@blueprint.before_app_request
def page() -> Response | None:
    """Answer what no route answers, if it can be a file or an address of the page."""
    if not isinstance(request.routing_exception, NotFound):
        return None
    if request.method not in ("GET", "HEAD") or _is_of_a_route(request.path):
        return None
    web = state().web
    if found := file_of(web, request.path):
        response = send_from_directory(web, found, etag=True)
        response.headers["Cache-Control"] = _FOREVER if found.startswith("assets/") else "no-cache"
        return response
    name = request.path.lstrip("/")
    if Path(name).suffix or name.startswith("assets/") or not is_possible(request.path):
        return None  # a file that does not exist: 404, not a page in its place
    if "/" in name:
        return _to_the_top(name)
    return _index(web)


def is_built(web: Path = WEB) -> bool:
    return (web / INDEX).is_file()


def build_of(web: Path = WEB) -> str | None:
    """Tells one build of the page from another: index.html names its scripts by their content."""
    try:
        return hashlib.sha256((web / INDEX).read_bytes()).hexdigest()[:12]
    except OSError:
        return None


def _is_of_a_route(path: str) -> bool:
    """Could only a route be there?"""
    return path == "/api" or path.startswith("/api/") or is_legacy(path)


def _to_the_top(name: str) -> Response:
    """The page finds its scripts and the API beside its own address, whatever prefix a proxy puts
    before it, so it has to stand at the top. What is behind `#` goes along by itself."""
    response = Response(status=302)
    query = kept(request.query_string.decode("latin-1"))
    response.headers["Location"] = "../" * name.count("/") + query
    response.autocorrect_location_header = False  # relative it is right behind any proxy
    return response


def _index(web: Path) -> Response:
    if is_built(web):
        response = send_from_directory(web, INDEX, etag=True)
        response.headers["Cache-Control"] = "no-cache"
        return response
    return html_reply(render_template("not_built.html"), 503)
