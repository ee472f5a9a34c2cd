"""Groups of interventions at every width, in both schemes: nothing spills."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.web.conftest import OpenPage, Server
from tests.web.groups_page import linked
from tests.web.looks import at_every_width, in_both_schemes
from tests.web.random_server import RandomServer
from tests.web.share_page import SharePage


@pytest.fixture
def server(small: RandomServer) -> Server:
    """Whose page `open_page` opens."""
    return small.server


def cards(count: int, group: int | None, start: int = 0) -> str:
    kinds = ["scale*1.5*", "set*-0.25*last", "add*4*0.2.3", "on**", "off**"]
    ends = "" if group is None else f"**{group}"
    return "_".join(f"L{i % 3}D{3 * i}*{kinds[i % 5]}{ends}" for i in range(start, start + count))


LOOKS = {
    "one-card": linked(cards(1, None)),
    "five-cards": linked(cards(5, None)),
    "forty-cards": linked(cards(40, None)),
    "two-groups": linked(
        f"{cards(4, 1)}_{cards(4, 2, 4)}", f"&g=1**0.5*music&g=2*x**{'a long name ' * 6}"
    ),
    "folded-groups": linked(
        f"{cards(2, None)}_{cards(4, 1, 2)}_{cards(9, 2, 6)}",
        "&g=1*f*0.5*music&g=2*f*1.25*professions",
    ),
    "empty-group": linked("", "&g=1***Group+1"),
}


@pytest.mark.parametrize("state", LOOKS)
def test_looks(open_page: OpenPage, state: str) -> None:
    page = open_page(LOOKS[state])
    view = SharePage(page)
    view.wait()
    for width in at_every_width(page, f"groups-{state}"):
        unfold = page.get_by_role("button", name="Unfold the interventions")
        if unfold.is_visible():
            unfold.click()
        assert not spilt(page), width
    assert in_both_schemes(page, f"groups-{state}") == []


def spilt(page: Page) -> list[str]:
    """Parts of the panel whose content is wider than they are."""
    panel = page.get_by_test_id("interventions")
    found: list[str] = panel.evaluate(
        """panel => [panel, ...panel.querySelectorAll("header, section, section > div, li")]
            .filter(each => each.scrollWidth > each.clientWidth)
            .map(each => each.outerHTML.slice(0, 120))"""
    )
    return found
