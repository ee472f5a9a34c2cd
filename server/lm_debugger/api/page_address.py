"""Which addresses can be the page's, and what of them a redirect may carry on.

A reply's headers must not grow with the request: nginx, as most proxies, keeps little room for them
(4 KB), answers 502 for what does not fit, and takes the server for broken. So nothing is sent back
in a header but what the page reads, and of that no more than `MAX_KEPT`.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote_plus

MAX_URI = 8000
"""Bytes of a request's address that are read: what RFC 9110 (section 4.1) asks for at least."""

MAX_PATH = 500
"""Characters of an address of the page."""

MAX_DEPTH = 8
"""Folders of an address of the page, which itself uses none."""

MAX_KEPT = 1000
"""Characters of a query that go along."""

_NAMES_A_PLACE = {"L", "keywords"}
_READ = {*_NAMES_A_PLACE, "D", "visualize", "visualize_cluster"}
"""Keys of LM-Debugger's exploration that name a place in ours; the page's `decodeReference` reads
them, and no other key of a query."""


def is_possible(path: str) -> bool:
    """Is it short enough for an address of the page?"""
    return len(path) <= MAX_PATH and path.lstrip("/").count("/") <= MAX_DEPTH


def kept(query: str) -> str:
    """What the page reads of a query, as it was written, with `?` before it; empty if it names no
    place, or is longer than `MAX_KEPT`."""
    if len(query) > MAX_URI:
        return ""
    pairs = [(unquote_plus(pair.partition("=")[0]), pair) for pair in query.split("&")]
    if not _NAMES_A_PLACE & {key for key, _ in pairs}:
        return ""
    text = "&".join(pair for key, pair in pairs if key in _READ)
    return f"?{text}" if len(text) <= MAX_KEPT else ""


def file_of(web: Path, path: str) -> str | None:
    """The name, inside the built page, of the file that a path is the address of; None if of none.

    A file has one address: one with `..` in it, a doubled slash or a link on its way has none.
    """
    name = path.lstrip("/")
    try:
        root = web.resolve()
        found = (root / name).resolve()
        is_its_own = found.is_relative_to(root) and found.relative_to(root).as_posix() == name
        return name if is_its_own and found.is_file() else None
    except (OSError, ValueError):  # too long, or a zero byte
        return None
