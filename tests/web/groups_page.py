"""Groups of interventions as the tests of the page find them."""

from __future__ import annotations

from typing import Any

from tests.web import share_page
from tests.web.conftest import OpenPage, Server
from tests.web.share_page import PROMPT, SharePage
from tests.web.trace_page import final

# One of every kind; `at(f)` is what they come to at strength f, written out by hand.
ITEMS = "L2D71*scale*-3_L1D5*set*8_L0D9*add*6_L2D12*off_L1D3*on"


def linked(items: str, groups: str = "") -> str:
    """To the only model that there is."""
    return share_page.linked(items, groups, model=None)


def at(f: float) -> list[dict[str, Any]]:
    return [
        {"layer": 2, "dim": 71, "kind": "scale", "value": 1 + f * (-3 - 1)},
        {"layer": 1, "dim": 5, "kind": "set", "value": f * 8},
        {"layer": 0, "dim": 9, "kind": "add", "value": f * 6},
        {"layer": 2, "dim": 12, "kind": "scale", "value": 1 - f},
        {"layer": 1, "dim": 3, "kind": "on"},
    ]


def matches(view: SharePage, server: Server, edits: list[dict[str, Any]]) -> bool:
    """Whether the page shows the prediction that the API gives for these edits."""
    view.wait()
    reply = server.post("/api/v1/trace", {"prompt": PROMPT, "interventions": edits})
    probs = view.probabilities("edited")
    return probs == final(reply, len(probs))


def grouped(open_page: OpenPage, **options: Any) -> SharePage:
    view = SharePage(open_page(linked(ITEMS), **options))
    view.wait()
    view.new_group("New group with the 5 vectors that are in none", "music")
    return view
