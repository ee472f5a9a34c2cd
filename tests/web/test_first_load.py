"""How much JavaScript the page needs before it shows anything (PAGE.md: at most 180 KB gzip)."""

from __future__ import annotations

import gzip
import re
import urllib.request

from tests.web.conftest import Server

LIMIT = 180_000


def fetch(server: Server, name: str) -> bytes:
    with urllib.request.urlopen(f"{server.url}/{name}", timeout=10) as reply:
        body: bytes = reply.read()
    return body


def first_scripts(server: Server) -> dict[str, bytes]:
    """The scripts of index.html and all that they import, but for what is imported on demand."""
    html = fetch(server, "index.html").decode()
    wanted = re.findall(r'(?:src|href)="\./([^"]+\.js)"', html)
    assert wanted
    found: dict[str, bytes] = {}
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found[name] = fetch(server, name)
        imports = re.findall(rb'(?:from|import)\s*"\./([^"]+\.js)"', found[name])
        wanted += [f"assets/{each.decode()}" for each in imports]
    return found


def test_the_first_load_is_small(server: Server) -> None:
    scripts = first_scripts(server)
    sizes = {name: len(gzip.compress(body, 6)) for name, body in scripts.items()}
    total = sum(sizes.values())
    assert total <= LIMIT, f"{total / 1000:.1f} KB of JavaScript, gzip: {sizes}"
    # what is asked for on demand is not among them, or the sum above would mean nothing
    names = " ".join(scripts)
    for chunk in ("ExploreView", "Palette", "GridPanel", "WhyPanel"):
        assert chunk not in names
